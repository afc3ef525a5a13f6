import { fromByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { asObject, parseJson } from "../../core/kernel/json.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import type { AnswerParts } from "./answer.ts";
import { asRefusal } from "./first-event.ts";

/** A response of the Responses API says by its own fields that it failed: OpenAI answers it with 200. */
const isResponse = (body: string): boolean => asObject(parseJson(body))?.object === "response";

/** The provider's own JSON answer, as it came. */
export class WholeAnswer implements ReaderSink {
  readonly #parts: AnswerParts;
  readonly #reader: Reader;
  #answer: Entry | undefined;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    parts.exchange.onClose((why) => {
      this.#reader.detach();
      parts.left(new GatewayError(why));
    });
    this.#reader = parts.stream.addReader(this, 0);
  }

  begin(): void {
    this.#reader.wake();
  }

  push(entry: Entry): boolean {
    this.#answer = entry;
    if (this.#parts.stream.firstSentMs === undefined) this.#parts.stream.contentSent();
    return true;
  }

  end({ error }: Terminal): void {
    this.#reader.detach();
    const { exchange, headers, refuse } = this.#parts;
    const body = this.#answer && fromByteString(this.#answer.data);
    if (body === undefined || (error && error.code !== "upstream_error_event")) {
      refuse(error ?? new GatewayError("upstream_truncated"));
    } else if (error && !isResponse(body)) refuse(asRefusal(error, body));
    else exchange.respond({ status: 200, headers: { "content-type": "application/json", ...headers }, body });
  }

  failed(): void {
    const { exchange, left } = this.#parts;
    exchange.refuse(new GatewayError("internal"));
    left(new GatewayError("internal"));
  }
}
