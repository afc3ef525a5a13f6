import type { Random } from "../../../src/demo/random.ts";
import type { Tally } from "./tally.ts";

/** Where the clients of a soak are, and what they share. */
export interface Site {
  /** The gateway's address now. */
  readonly url: string;
  /** How often the gateway was killed. */
  readonly kills: number;
  readonly isStopping: boolean;
  readonly random: Random;
  /** A random whole number from 0 to below the limit. */
  readonly below: (limit: number) => number;
  readonly tally: Tally;
}
