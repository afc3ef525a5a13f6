import type { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange } from "../../core/ports/http-face.ts";
import type { Stream } from "../../core/stream/stream.ts";

/** What an answer is made of, and whom it tells. */
export interface AnswerParts {
  readonly exchange: HttpExchange;
  readonly stream: Stream;
  /** Besides those of its form. */
  readonly headers: Readonly<Record<string, string>>;
  /** The answer is that there is none. */
  readonly refuse: (error: GatewayError) => void;
  /** The client went before its answer was whole, or the exchange was ended for this reason. */
  readonly left: (why: GatewayError) => void;
}

/** A server-sent event, as text. */
export interface EventText {
  readonly event: string | undefined;
  readonly data: string;
}
