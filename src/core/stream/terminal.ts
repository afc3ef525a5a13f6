import type { Timing, Usage } from "../../../protocol/stream.ts";
import type { GatewayError } from "../kernel/errors.ts";

/** The one last record of a stream. */
export interface Terminal {
  readonly status: "completed" | "failed" | "cancelled";
  readonly lastSeq: number;
  readonly finish?: string;
  readonly error?: GatewayError;
  readonly usage: Usage;
  readonly timing: Timing;
  readonly lossy: boolean;
  /** Events whose data could not be read, if there were any: text of the answer may be missing. */
  readonly unreadEvents?: number;
}
