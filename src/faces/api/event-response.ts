import type { Code } from "../../../protocol/codes.ts";
import { fromByteString, toByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpBody } from "../../core/ports/http-face.ts";
import { firstEvent, keptEvent } from "../../core/stream/kept-event.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import { asRefusal } from "./first-event.ts";
import type { Framing } from "./framing.ts";
import type { EventText } from "./request/wording.ts";
import type { ResponseParts } from "./response.ts";

/** What a streamed response is given. Times are in milliseconds. */
export interface EventResponseParts extends ResponseParts {
  readonly framing: Framing;
  /** The final events of a stream that failed midway; none when `last`, the last event sent, reports the failure already. */
  readonly errorEvents: (
    error: GatewayError,
    first: EventText | undefined,
    last: EventText | undefined,
  ) => readonly EventText[];
  /** Does what must not reach the client in one piece with what was written before. */
  readonly later: (work: () => void) => void;
  /** Called when the response stops reading its stream. */
  readonly over: () => void;
  /** How long the client may receive nothing. */
  readonly silenceMs: number;
  /** Reads the monotonic clock. */
  readonly now: () => number;
}

/** Bytes buffered before a write; until they are written, the socket's fill level does not count them. */
const MAX_GATHERED = 16_384;

/** How often `look` is to be called within `silenceMs`. */
export const LOOKS_PER_SILENCE = 8;

/** A stream's events in the format of its provider's API. Events of one upstream chunk share one write. */
export class EventResponse implements ReaderSink {
  readonly #parts: EventResponseParts;
  readonly #reader: Reader;
  /** Undefined until the first event or the first comment. While it is, a failure becomes the response's status. */
  #body: HttpBody | undefined;
  #gathered = "";
  #willFlush = false;
  #first: Entry | undefined;
  #last: Entry | undefined;
  /** Whether events were sent since the last look. */
  #spoke = false;
  #silentSince: number;

  constructor(parts: EventResponseParts) {
    this.#parts = parts;
    this.#silentSince = parts.now();
    parts.exchange.onClose((why) => this.#closed(why));
    this.#reader = parts.stream.addReader(this, 0);
  }

  begin(): void {
    this.#reader.wake();
  }

  /** Sends a comment if the client has received nothing for `silenceMs`. Call it `LOOKS_PER_SILENCE` times in that time. */
  look(): void {
    this.#reader.guard(() => this.#look());
  }

  #look(): void {
    const now = this.#parts.now();
    // Releases a ping that no other event followed.
    this.#flush();
    if (this.#spoke) {
      this.#spoke = false;
      this.#silentSince = now;
    } else if (now - this.#silentSince >= this.#parts.silenceMs) {
      this.#silentSince = now;
      const body = this.#open();
      if (body.writable) body.write(this.#parts.framing.keepAlive);
    }
  }

  push(entry: Entry): boolean {
    if (this.#body?.writable === false) return false;
    // A ping does not tell whether the provider succeeds, so it waits for the next event or the next look.
    const isFirst = this.#first === undefined && entry.event !== "ping";
    this.#last = isFirst ? firstEvent(entry) : keptEvent(entry);
    if (isFirst) this.#first = this.#last;
    this.#gathered += this.#parts.framing.event(entry.event, entry.data);
    if (this.#first && !this.#willFlush) {
      // Events of the same callback share the write.
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

  /** The failure as a refusal, if nothing was sent and nothing but the failure was received. */
  #refusal(error: GatewayError): GatewayError | undefined {
    if (this.#body) return undefined;
    if (!this.#last) return error;
    if (error.code !== "upstream_error_event" || this.#first !== this.#last) return undefined;
    return asRefusal(error);
  }

  #finish(error: GatewayError | undefined): void {
    this.#flush();
    const events = error ? this.#parts.errorEvents(error, textOf(this.#first), textOf(this.#last)) : [];
    const body = this.#open();
    const { framing, later } = this.#parts;
    for (const { event, data, isUnframed } of events) {
      if (!isUnframed) body.write(framing.event(event, toByteString(data)));
    }
    const last = framing.end();
    if (last !== "") body.write(last);
    const unframed = framing.takesUnframed ? events.find(({ isUnframed }) => isUnframed) : undefined;
    if (!unframed) body.end();
    else {
      later(() => {
        body.write(toByteString(unframed.data));
        body.end();
      });
    }
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
    const { exchange, headers, framing } = this.#parts;
    this.#body ??= exchange.stream({ status: 200, headers: { ...headers(), ...framing.headers } }, () =>
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
