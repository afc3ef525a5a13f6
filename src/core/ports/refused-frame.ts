import { CODES } from "../../../protocol/codes.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { Connection } from "./connection.ts";
import type { Observer } from "./observer.ts";

/**
 * What a refused frame does to its socket, whose client has been told: an invalid frame counts against it, and a caller whose
 * credentials no longer work loses it. `where`: the face's name.
 */
export function noteRefusedFrame(
  connection: Connection,
  observer: Pick<Observer, "refused">,
  where: string,
  error: GatewayError,
): void {
  const { code, setting } = error;
  if (code === "bad_frame" || code === "unknown_method") connection.violation(error);
  else {
    const { remoteAddress, caller } = connection;
    observer.refused({ code, remoteAddress, where, caller: caller?.name, setting });
  }
  if (code === "unauthorized") connection.close(CODES[code].closeCode ?? 1008, code);
}
