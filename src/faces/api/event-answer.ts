import type { Code } from "../../../protocol/codes.ts";
import { fromByteString, toByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpBody } from "../../core/ports/http-face.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import { EVENT_STREAM_HEADERS, KEEP_ALIVE, serverSentEvent } from "../../core/stream/server-sent-event.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import type { AnswerParts, EventText } from "./answer.ts";
import { asRefusal } from "./first-event.ts";

export interface EventAnswerParts extends AnswerParts {
  /** The event by which the stream ends after its client has had `first` to `last`; undefined when that said it all. */
  readonly errorEvent: (
    error: GatewayError,
    first: EventText | undefined,
    last: EventText | undefined,
  ) => EventText | undefined;
  /** It reads no more. */
  readonly over: () => void;
  /** How long its client may hear nothing, in milliseconds. */
  readonly silenceMs: number;
  /** Clock reading in milliseconds. */
  readonly now: () => number;
}

/** What is gathered at most before it is written: so much less is known of how full the socket is. */
const MAX_GATHERED = 16_384;

/** How often an answer should be looked at within the silence it may keep. */
export const LOOKS_PER_SILENCE = 8;

/** The events of a stream as its provider's own API sends them, each chunk's in one write. */
export class EventAnswer implements ReaderSink {
  readonly #parts: EventAnswerParts;
  readonly #reader: Reader;
  /**
   * Undefined until the first event, or until a client that heard nothing for too long needs a sign of life: while it is, a
   * failure is an answer of its own, with its status.
   */
  #body: HttpBody | undefined;
  #gathered = "";
  #willFlush = false;
  #first: Entry | undefined;
  #last: Entry | undefined;
  /** Events were sent since the last look. */
  #spoke = false;
  #silentSince: number;

  constructor(parts: EventAnswerParts) {
    this.#parts = parts;
    this.#silentSince = parts.now();
    parts.exchange.onClose((why) => this.#closed(why));
    this.#reader = parts.stream.addReader(this, 0);
  }

  begin(): void {
    this.#reader.wake();
  }

  /** Sends a comment when the client has heard nothing for `silenceMs`. Call it `LOOKS_PER_SILENCE` times in that time. */
  look(): void {
    this.#reader.guard(() => this.#look());
  }

  #look(): void {
    const now = this.#parts.now();
    // A ping that nothing followed.
    this.#flush();
    if (this.#spoke) {
      this.#spoke = false;
      this.#silentSince = now;
    } else if (now - this.#silentSince >= this.#parts.silenceMs) {
      this.#silentSince = now;
      const body = this.#open();
      if (body.writable) body.write(KEEP_ALIVE);
    }
  }

  push(entry: Entry): boolean {
    if (this.#body?.writable === false) return false;
    // A ping says nothing of how the answer goes: it waits for the event that does, or for the next look.
    if (entry.event !== "ping") this.#first ??= entry;
    this.#last = entry;
    this.#gathered += serverSentEvent(entry.event, entry.data);
    if (this.#first && !this.#willFlush) {
      // Whatever else the same callback brings goes into the same write.
      this.#willFlush = true;
      this.#reader.defer(() => this.#flush());
    }
    if (this.#gathered.length >= MAX_GATHERED) this.#flush();
    const { stream } = this.#parts;
    if (stream.firstSentMs === undefined && entry.hasContent) stream.contentSent();
    return true;
  }

  end({ error }: Terminal): void {
    this.#leave();
    const refusal = error && this.#refusal(error);
    if (refusal) {
      this.#gathered = "";
      this.#parts.refuse(refusal);
    } else this.#finish(error);
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

  /** The failure as an answer of its own: nothing came before it, or the provider's first event was the failure itself. */
  #refusal(error: GatewayError): GatewayError | undefined {
    if (this.#body) return undefined;
    if (!this.#last) return error;
    if (error.code !== "upstream_error_event" || this.#first !== this.#last) return undefined;
    return asRefusal(error, fromByteString(this.#last.data));
  }

  #finish(error: GatewayError | undefined): void {
    this.#flush();
    const last = error && this.#parts.errorEvent(error, textOf(this.#first), textOf(this.#last));
    const body = this.#open();
    if (last) body.write(serverSentEvent(last.event, toByteString(last.data)));
    body.end();
  }

  #flush(): void {
    this.#willFlush = false;
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
