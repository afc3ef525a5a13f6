import type { InboundLimits } from "../admit/inbound-rate.ts";
import type { PulseLimits } from "./pulse.ts";

/** Limits of one WebSocket. */
export interface ConnectionLimits extends InboundLimits, PulseLimits {
  /** Bytes a client may send before its first frame has authenticated it. */
  readonly handshakeFrameBytes: number;
  readonly handshakeMs: number;
  readonly socketGateBytes: number;
}
