import type { Timing, Usage } from "../../../protocol/stream.ts";
import type { GatewayError } from "../kernel/errors.ts";

/** Where a stream's last attempt went. */
export interface AnsweringTarget {
  /** The number of attempts made. */
  readonly attempt: number;
  readonly route: string;
  /** The provider's own name of the model. */
  readonly model: string | undefined;
}

/** What a stream has used, by its end or so far, and where its last attempt went. */
export type Spending = Pick<Terminal, "usage" | "target">;

/** How a stream ended. Every stream has exactly one. */
export interface Terminal {
  readonly status: "completed" | "failed" | "cancelled";
  readonly lastSeq: number;
  readonly finish?: string;
  readonly error?: GatewayError;
  readonly usage: Usage;
  readonly timing: Timing;
  /** The target that answered, or failed last, of those the request could be tried on; undefined if there was only one. */
  readonly target?: AnsweringTarget;
  readonly lossy: boolean;
  /** The number of events that could not be decoded, if any: text may be missing. */
  readonly unreadEvents?: number;
}
