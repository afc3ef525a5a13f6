/** How a `connect` is refused: OpenClaw's words, by which clients decide whether to try again, and with what. */
import type { ErrorShape } from "../../../../protocol/openclaw/frames.ts";
import { OPENCLAW_CLOSE } from "../../../../protocol/openclaw/wire.ts";
import { GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import type { Authenticator } from "../../../core/ports/authenticator.ts";
import { toErrorShape } from "../clients/errors.ts";
import type { DeviceFault } from "./device.ts";

/** A refused `connect`. The response is sent before the close, of which browsers see only the number. */
export interface Refusal {
  readonly error: ErrorShape;
  readonly close: { readonly code: number; readonly reason: string };
}

/** Whether a step of the handshake ended in a refusal. */
export const isRefusal = (result: object): result is Refusal => "error" in result;

/** Refuses with an error, then closes. */
export const refuse = (error: ErrorShape, code: number = OPENCLAW_CLOSE.policy): Refusal => ({
  error,
  close: { code, reason: error.message },
});

const unauthorized = (message: string, details: Readonly<Record<string, unknown>>): Refusal =>
  refuse(toErrorShape(new GatewayError("unauthorized", message), details));

/** The key may not be used for this face. */
export const lacksChat = (): Refusal =>
  unauthorized("unauthorized: the key lacks the scope chat", {
    code: "AUTH_SCOPE_MISMATCH",
    authReason: "scope_mismatch",
    recommendedNextStep: "update_auth_credentials",
  });

/** The device token covers fewer scopes than the client asks for. */
export const tooFewScopes = (): Refusal =>
  unauthorized("unauthorized: device token scope mismatch (re-pair or approve scope upgrade)", {
    code: "AUTH_SCOPE_MISMATCH",
    authReason: "scope_mismatch",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "review_auth_configuration",
  });

/** No credential at all. */
export const tokenMissing = (): Refusal =>
  unauthorized("unauthorized: gateway token missing (provide gateway auth token)", {
    code: "AUTH_TOKEN_MISSING",
    authReason: "token_missing",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "update_auth_configuration",
  });

/** A wrong token or key. `canRetry`: the client may hold a device token that it did not send. */
export const tokenMismatch = (reason: string, canRetry: boolean): Refusal =>
  unauthorized(`unauthorized: gateway token mismatch (${reason})`, {
    code: "AUTH_TOKEN_MISMATCH",
    authReason: "token_mismatch",
    canRetryWithDeviceToken: canRetry,
    recommendedNextStep: canRetry ? "retry_with_device_token" : "update_auth_credentials",
  });

/** A device token that does not, or no longer, work: the client forgets it and asks for the token. */
export const deviceTokenMismatch = (): Refusal =>
  unauthorized("unauthorized: device token mismatch (rotate/reissue device token)", {
    code: "AUTH_DEVICE_TOKEN_MISMATCH",
    authReason: "device_token_mismatch",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "update_auth_credentials",
  });

/** A bad signature counts as a failed authentication, like a wrong token. */
export function badDevice(authenticator: Authenticator, { code, message }: DeviceFault, address: string): Refusal {
  try {
    authenticator.failed(address);
  } catch (error) {
    return lockedOut(toGatewayError(error));
  }
  return unauthorized(message, { code, reason: code });
}

/** Too many failures. Throws any refusal other than `rate_limited`. */
export function lockedOut(refusal: GatewayError): Refusal {
  if (refusal.code !== "rate_limited") throw refusal;
  const message = "unauthorized: too many failed authentication attempts (retry later)";
  const next = { code: "AUTH_RATE_LIMITED", authReason: "rate_limited", recommendedNextStep: "wait_then_retry" };
  const { retryAfterMs = 0 } = refusal;
  return refuse({ ...toErrorShape(new GatewayError("unauthorized", message), next), retryAfterMs });
}
