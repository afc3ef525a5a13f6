import type { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange } from "../../core/ports/http-face.ts";
import type { Stream } from "../../core/stream/stream.ts";

/** What both forms of a response, streamed and unary, are given. */
export interface ResponseParts {
  readonly exchange: HttpExchange;
  readonly stream: Stream;
  /** Response headers besides those of its form, as far as they are known. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Responds with this error instead. */
  readonly refuse: (error: GatewayError) => void;
  /** Called when the client leaves before the end, or the server ends the exchange. */
  readonly left: (why: GatewayError) => void;
}
