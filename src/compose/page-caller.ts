import type { IncomingHttpHeaders } from "node:http";
import type { Caller } from "../core/caller/caller.ts";
import type { Authenticator } from "../core/ports/authenticator.ts";
import type { OpenClawFace } from "../faces/openclaw/face.ts";
import { tokensOf } from "../transport/auth/credentials.ts";

/**
 * Identifies the sender of an HTTP request of the Control UI. Once connected, the page sends its device token, and the
 * shared token or key only after a 401. Undefined without a valid one; throws like `authenticate`.
 */
export function createPageCaller(
  authenticator: Authenticator,
  { callerOfDevice }: Pick<OpenClawFace, "callerOfDevice">,
): (headers: IncomingHttpHeaders, remoteAddress: string) => Caller | undefined {
  return (headers, remoteAddress) => {
    const [token, ...others] = tokensOf(headers);
    const byDevice = token === undefined || !authenticator.required ? undefined : callerOfDevice(token);
    return byDevice ?? authenticator.authenticate(token, remoteAddress, ...others);
  };
}
