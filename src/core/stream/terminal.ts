import type { Timing, Usage } from "../../../protocol/stream.ts";
import type { GatewayError } from "../kernel/errors.ts";

/** How a stream ended. Every stream has exactly one. */
export interface Terminal {
  readonly status: "completed" | "failed" | "cancelled";
  readonly lastSeq: number;
  readonly finish?: string;
  readonly error?: GatewayError;
  readonly usage: Usage;
  readonly timing: Timing;
  readonly lossy: boolean;
  /** The number of events that could not be decoded, if any: text may be missing. */
  readonly unreadEvents?: number;
}
