import { failure, type SluiceError } from "./error.ts";
import type { ErrorBody } from "./wire.ts";

/** Below 4000 the standard decides, from 4500 on the gateway does: these closings are final. */
const FINAL: Readonly<Record<number, ErrorBody["code"]>> = {
  1003: "binary_frame",
  1008: "bad_frame",
  1009: "frame_too_large",
  4501: "unauthorized",
  4503: "forbidden",
  4506: "bad_protocol_version",
  4508: "too_many_violations",
};

/** After these the gateway needs a moment: shutting down, overloaded, too many frames. */
const BUSY: readonly number[] = [1012, 1013, 4029];
const BUSY_MS = 1_000;

/** Why a client must not reconnect after this close code; undefined if it may. */
export function finalError(closeCode: number, reason: string): SluiceError | undefined {
  const code = FINAL[closeCode] ?? (closeCode >= 4500 ? "forbidden" : undefined);
  return code && failure(code, `the gateway closed the connection with ${closeCode} ${reason}`.trim());
}

/** The least time to wait before the next connection, in milliseconds. */
export const pauseAfter = (closeCode: number): number => (BUSY.includes(closeCode) ? BUSY_MS : 0);
