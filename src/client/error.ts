import type { ErrorBody } from "./wire.ts";

/** Every failure that the client reports. `code` is one of protocol/codes.ts, also for what only the client can see. */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  readonly code: ErrorBody["code"];
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;
  /** When to try again, in milliseconds, if the gateway said so. */
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(body: ErrorBody, cause?: unknown) {
    super(`${body.code}: ${body.message}`, { cause });
    this.code = body.code;
    this.retryable = body.retryable;
    this.retryAfterMs = body.retryAfterMs;
    this.details = body.details ?? {};
  }
}

/** An error that is not worth a second try, unless `retryable`. */
export const failure = (code: ErrorBody["code"], message: string, retryable = false): SluiceError =>
  new SluiceError({ code, message, retryable });
