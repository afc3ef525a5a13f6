import { CODES, type Code } from "../../../protocol/codes.ts";
import { asString } from "./json.ts";
import { sanitise } from "./sanitise.ts";

/** Facts about an error that a program can act on, such as an HTTP status or the timer that fired. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** What a failure adds to, or overrides of, its code's row in `CODES`. */
export interface ErrorOptions {
  /** Sent to clients and logged: never a secret or a prompt. */
  readonly details?: ErrorDetails;
  /** Overrides the table's wait. */
  readonly retryAfterMs?: number;
  /** Overrides the code table for this failure. */
  readonly retryable?: boolean;
  /** The setting that cures the failure: a configuration key such as `limits.connections`. The message ends with it. */
  readonly setting?: string;
  /** For the log only. */
  readonly cause?: unknown;
}

/** Characters of a message at most, so that an error stays small whatever it quotes; providers' own take a few hundred. */
const MAX_MESSAGE_LENGTH = 4_096;

/** A failure with a code of `protocol/codes.ts`. Each face sends it in its own form; logs and metrics use the code. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: Code;
  readonly details: ErrorDetails | undefined;
  readonly retryAfterMs: number | undefined;
  readonly retryable: boolean;
  /** The setting that cures the failure, where one does. */
  readonly setting: string | undefined;

  constructor(code: Code, message: string = CODES[code].meaning, options: ErrorOptions = {}) {
    // Messages may quote clients or upstreams.
    const cure = options.setting === undefined ? "" : ` (${options.setting})`;
    super(sanitise(message.slice(0, MAX_MESSAGE_LENGTH - cure.length) + cure), { cause: options.cause });
    this.code = code;
    this.setting = options.setting ?? asString(options.details?.setting);
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs ?? CODES[code].retryAfterMs;
    this.retryable = options.retryable ?? CODES[code].retryable;
  }

  /** The error as clients receive it, without undefined fields. */
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

/** Wraps anything thrown in a GatewayError. Anything else becomes `internal`, with the thrown value as its cause. */
export function toGatewayError(thrown: unknown): GatewayError {
  return thrown instanceof GatewayError ? thrown : new GatewayError("internal", undefined, { cause: thrown });
}
