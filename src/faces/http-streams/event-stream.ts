import type { Code } from "../../../protocol/codes.ts";
import { toByteString } from "../../core/kernel/byte-string.ts";
import type { HttpBody, HttpExchange } from "../../core/ports/http-face.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import type { Attachment, RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import { EVENT_STREAM_HEADERS, KEEP_ALIVE, serverSentEvent } from "../../core/stream/server-sent-event.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import { endBody } from "../../core/stream/wire.ts";
import { eventId, lastId } from "./position.ts";

/** What an event stream is built from. */
export interface EventStreamParts {
  readonly exchange: HttpExchange;
  readonly registry: StreamRegistry;
  readonly registered: RegisteredStream;
  readonly after: number;
  /** Called when it stops reading. */
  readonly over: () => void;
}

/** Sends a stream's events as server-sent events, each as soon as it is parsed. */
export class EventStream implements Attachment, ReaderSink {
  readonly #parts: EventStreamParts;
  readonly #epoch: number;
  readonly #body: HttpBody;
  readonly #reader: Reader;
  #hasSent = false;

  constructor(parts: EventStreamParts) {
    const { exchange, registered, after } = parts;
    this.#parts = parts;
    this.#epoch = registered.stream.info.epoch;
    this.#body = exchange.stream({ status: 200, headers: EVENT_STREAM_HEADERS }, () => this.#reader.wake());
    exchange.onClose((why) => this.#closed(why));
    this.#reader = registered.stream.addReader(this, after);
  }

  /** Takes the stream over from its previous reader, and sends what the log holds; that may be everything. */
  begin(): void {
    this.#parts.registry.attach(this.#parts.registered, this);
    this.#reader.wake();
  }

  /** Sends a comment, so that proxies and the client keep the connection. */
  keepAlive(): void {
    this.#reader.guard(() => {
      if (this.#body.writable) this.#body.write(KEEP_ALIVE);
    });
  }

  push(entry: Entry): boolean {
    if (!this.#body.writable) return false;
    if (!this.#hasSent) this.#begin();
    this.#body.write(serverSentEvent(entry.event, entry.data, eventId(this.#epoch, entry.seq)));
    const { stream } = this.#parts.registered;
    if (stream.firstSentMs === undefined && entry.hasContent) stream.contentSent();
    return true;
  }

  end(terminal: Terminal): void {
    this.#leave();
    this.#say("sluice.end", endBody(terminal));
    this.#body.end();
    const { registry, registered } = this.#parts;
    registry.detach(registered, this);
    // HTTP clients do not acknowledge, so what was sent counts as handled.
    registry.handled(registered);
  }

  failed(): void {
    this.#leave();
    this.#parts.registry.detach(this.#parts.registered, this, "internal");
    this.#parts.exchange.abort();
  }

  detached(why: Code): void {
    this.#leave();
    this.#say("sluice.detached", { code: why });
    this.#body.end();
  }

  /** Names the dialect of the events before the first one, if the client must be told. Without an id, so that it is no position. */
  #begin(): void {
    this.#hasSent = true;
    const { toldDialect: dialect } = this.#parts.registered.stream;
    if (dialect !== undefined) this.#body.write(serverSentEvent("sluice.dialect", JSON.stringify({ dialect })));
  }

  #closed(why: Code): void {
    this.#leave();
    // Without an id, so that a returning client resumes from its last event.
    if (why !== "client_gone") this.#body.write(serverSentEvent("sluice.detached", `{"code":"${why}"}`));
    this.#parts.registry.detach(this.#parts.registered, this, why);
  }

  #leave(): void {
    this.#reader.detach();
    this.#parts.over();
  }

  /** Sends the final event. EventSource always reconnects; this event's id keeps it from taking the stream back. */
  #say(event: string, data: object): void {
    const id = lastId(this.#epoch, this.#reader.cursor);
    this.#body.write(serverSentEvent(event, toByteString(JSON.stringify(data)), id));
  }
}
