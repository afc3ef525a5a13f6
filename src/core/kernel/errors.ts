import { CODES, type Code } from "../../../protocol/codes.ts";
import { sanitise } from "./sanitise.ts";

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

export interface ErrorOptions {
  /** Facts a program can act on: an HTTP status, the timer that fired. Never a secret, never a prompt. */
  readonly details?: ErrorDetails;
  /** Overrides the table's wait. */
  readonly retryAfterMs?: number;
  /** Overrides the table when this very failure differs from its code's rule. */
  readonly retryable?: boolean;
  /** The cause, for the debug log only. */
  readonly cause?: unknown;
}

/** A failure with one code of the taxonomy. Faces turn it into their own form, the log and metrics use the code. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: Code;
  readonly details: ErrorDetails | undefined;
  readonly retryAfterMs: number | undefined;
  readonly retryable: boolean;

  constructor(code: Code, message: string = CODES[code].meaning, options: ErrorOptions = {}) {
    // It may name what a client or an upstream said.
    super(sanitise(message), { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs ?? CODES[code].retryAfterMs;
    this.retryable = options.retryable ?? CODES[code].retryable;
  }

  /** The wire form, without undefined fields. */
  toBody() {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
      ...(this.details !== undefined && { details: this.details }),
    };
  }
}

/** Anything thrown, as a GatewayError: unknown faults become `internal` and keep their cause. */
export function toGatewayError(thrown: unknown): GatewayError {
  return thrown instanceof GatewayError ? thrown : new GatewayError("internal", undefined, { cause: thrown });
}
