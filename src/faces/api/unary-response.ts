import { fromByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { asObject, parseJson } from "../../core/kernel/json.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import { asRefusal } from "./first-event.ts";
import type { ResponseParts } from "./response.ts";

/** OpenAI's Responses API reports a failed response with status 200 and in its own fields. */
const isResponse = (body: string): boolean => asObject(parseJson(body))?.object === "response";

/** The provider's JSON response, unchanged. */
export class UnaryResponse implements ReaderSink {
  readonly #parts: ResponseParts;
  readonly #reader: Reader;
  #received: Entry | undefined;

  constructor(parts: ResponseParts) {
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
    this.#received = entry;
    if (this.#parts.stream.firstSentMs === undefined) this.#parts.stream.contentSent();
    return true;
  }

  end({ error }: Terminal): void {
    this.#reader.detach();
    const { exchange, headers, refuse } = this.#parts;
    const body = this.#received && fromByteString(this.#received.data);
    if (body === undefined || (error && error.code !== "upstream_error_event")) {
      refuse(error ?? new GatewayError("upstream_truncated"));
    } else if (error && !isResponse(body)) refuse(asRefusal(error));
    else exchange.respond({ status: 200, headers: { "content-type": "application/json", ...headers() }, body });
  }

  failed(): void {
    const { refuse, left } = this.#parts;
    refuse(new GatewayError("internal"));
    left(new GatewayError("internal"));
  }
}
