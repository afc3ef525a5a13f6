import type { Code } from "../../../protocol/codes.ts";
import { fromByteString, toByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpBody } from "../../core/ports/http-face.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import { EVENT_STREAM_HEADERS, KEEP_ALIVE, serverSentEvent } from "../../core/stream/server-sent-event.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import type { AnswerParts, EventText } from "./answer.ts";

export interface EventAnswerParts extends AnswerParts {
  /** The event by which the stream ends after its client has had `first` to `last`; undefined when that said it all. */
  readonly errorEvent: (
    error: GatewayError,
    first: EventText | undefined,
    last: EventText | undefined,
  ) => EventText | undefined;
  /** It reads no more. */
  readonly over: () => void;
}

/** What is gathered at most before it is written: so much less is known of how full the socket is. */
const MAX_GATHERED = 16_384;

/** A silence is broken after so many looks, then after twice as many each time, up to the most. */
export const LOOKS_PER_SILENCE = 4;
const MAX_LOOKS = 64;

/** The events of a stream as its provider's own API sends them, each chunk's in one write. */
export class EventAnswer implements ReaderSink {
  readonly #parts: EventAnswerParts;
  readonly #reader: Reader;
  /** Undefined until there is something to say: until then a failure is an answer of its own, with its status. */
  #body: HttpBody | undefined;
  #gathered = "";
  #first: Entry | undefined;
  #last: Entry | undefined;
  #spoke = false;
  #silentLooks = 0;
  #nextComment = LOOKS_PER_SILENCE;

  constructor(parts: EventAnswerParts) {
    this.#parts = parts;
    parts.exchange.onClose((why) => this.#closed(why));
    this.#reader = parts.stream.addReader(this, 0);
  }

  begin(): void {
    this.#reader.wake();
  }

  /** Called at even times: says that the connection lives when nothing was said since the last call, then more rarely. */
  look(): void {
    this.#reader.guard(() => this.#look());
  }

  #look(): void {
    if (this.#spoke) {
      this.#spoke = false;
      this.#silentLooks = 0;
      this.#nextComment = LOOKS_PER_SILENCE;
    } else if (++this.#silentLooks >= this.#nextComment) {
      this.#silentLooks = 0;
      this.#nextComment = Math.min(MAX_LOOKS, this.#nextComment * 2);
      const body = this.#open();
      if (body.writable) body.write(KEEP_ALIVE);
    }
  }

  push(entry: Entry): boolean {
    if (this.#body?.writable === false) return false;
    this.#first ??= entry;
    this.#last = entry;
    // Whatever else the same callback brings goes into the same write.
    if (this.#gathered === "") this.#reader.defer(() => this.#flush());
    this.#gathered += serverSentEvent(entry.event, entry.data);
    if (this.#gathered.length >= MAX_GATHERED) this.#flush();
    const { stream } = this.#parts;
    if (stream.firstSentMs === undefined && entry.hasContent) stream.contentSent();
    return true;
  }

  end({ error }: Terminal): void {
    this.#leave();
    if (error && !this.#last && !this.#body) this.#parts.refuse(error);
    else this.#finish(error);
  }

  failed(): void {
    this.#parts.over();
    if (this.#body) this.#parts.exchange.abort();
    else this.#parts.refuse(new GatewayError("internal"));
    this.#parts.left(new GatewayError("internal"));
  }

  #closed(why: Code): void {
    this.#leave();
    const error = new GatewayError(why);
    if (why !== "client_gone" && this.#body) this.#finish(error);
    this.#parts.left(error);
  }

  #finish(error: GatewayError | undefined): void {
    this.#flush();
    const last = error && this.#parts.errorEvent(error, textOf(this.#first), textOf(this.#last));
    const body = this.#open();
    if (last) body.write(serverSentEvent(last.event, toByteString(last.data)));
    body.end();
  }

  #flush(): void {
    if (this.#gathered === "") return;
    const gathered = this.#gathered;
    this.#gathered = "";
    this.#spoke = true;
    this.#open().write(gathered);
  }

  #open(): HttpBody {
    const { exchange, headers } = this.#parts;
    this.#body ??= exchange.stream({ status: 200, headers: { ...EVENT_STREAM_HEADERS, ...headers } }, () =>
      this.#reader.wake(),
    );
    return this.#body;
  }

  #leave(): void {
    this.#reader.detach();
    this.#parts.over();
  }
}

const textOf = (entry: Entry | undefined): EventText | undefined =>
  entry && { event: entry.event, data: fromByteString(entry.data) };
