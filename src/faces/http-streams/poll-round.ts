import type { Code } from "../../../protocol/codes.ts";
import { type ByteString, fromByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange } from "../../core/ports/http-face.ts";
import { Window } from "../../core/stream/flow.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import type { Attachment, RegisteredStream, StreamRegistry } from "../../core/stream/registry.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import { endBody, eventBody } from "../../core/stream/wire.ts";

/** What one answer holds at most, one larger event aside. */
const ROUND_LIMITS = { maxBytes: 1_048_576, maxEntries: Number.POSITIVE_INFINITY };

export interface PollRoundParts {
  readonly exchange: HttpExchange;
  readonly registry: StreamRegistry;
  readonly registered: RegisteredStream;
  readonly after: number;
  readonly waitMs: number;
  /** How long the client may take until its next round; then it counts as gone. */
  readonly betweenPollsMs: number;
}

/**
 * One round of a long poll: answered as soon as there is an event, or empty at the end of its time. What the client asks
 * to read behind is its acknowledgement: only that may leave the log, so that a lost answer can be asked for again.
 */
export class PollRound implements Attachment, ReaderSink {
  readonly #parts: PollRoundParts;
  readonly #reader: Reader;
  readonly #events: ByteString[] = [];
  #hasContent = false;
  #terminal: Terminal | undefined;
  #answered = false;
  /** Until the answer: the end of the wait. After it: the end of the time for the next round. */
  #timer: NodeJS.Timeout;

  constructor(parts: PollRoundParts) {
    const { exchange, registered, after, waitMs } = parts;
    this.#parts = parts;
    exchange.onClose((why) => this.#closed(why));
    this.#timer = setTimeout(() => this.#reader.guard(() => this.#answer()), waitMs);
    this.#reader = registered.stream.addReader(this, after, new Window(ROUND_LIMITS, after));
  }

  /** It has answered, and holds the stream for the next round. */
  get readsOn(): boolean {
    return this.#answered;
  }

  /** Takes the stream from whoever read it, and what there is of it. */
  begin(): void {
    this.#parts.registry.attach(this.#parts.registered, this);
    this.#reader.wake();
  }

  push(entry: Entry): boolean {
    // Whatever else the same callback brings goes into the same answer.
    if (this.#events.push(eventBody(entry)) === 1) this.#reader.defer(() => this.#answer());
    this.#hasContent ||= entry.hasContent;
    return true;
  }

  end(terminal: Terminal): void {
    this.#terminal = terminal;
    this.#reader.defer(() => this.#answer());
  }

  failed(): void {
    const waits = this.#leave();
    this.#parts.registry.detach(this.#parts.registered, this, "internal");
    if (waits) this.#parts.exchange.refuse(new GatewayError("internal"));
  }

  detached(why: Code): void {
    const waits = this.#leave();
    if (waits) this.#parts.exchange.refuse(new GatewayError(why));
  }

  #closed(why: Code): void {
    this.#leave();
    this.#parts.registry.detach(this.#parts.registered, this, why);
  }

  #answer(): void {
    if (!this.#leave()) return;
    const { exchange, registry, registered, betweenPollsMs } = this.#parts;
    const end = this.#terminal ? `,"end":${JSON.stringify(endBody(this.#terminal))}` : "";
    exchange.respond({
      status: 200,
      headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
      body: `{"epoch":${registered.stream.info.epoch},"events":[${fromByteString(this.#events.join(","))}]${end}}\n`,
    });
    if (this.#hasContent) registered.stream.contentSent();
    if (this.#terminal) {
      registry.detach(registered, this);
      // It asked for what is behind the last event: it has all before that, and this answer holds nothing else.
      if (this.#events.length === 0) registry.handled(registered);
    }
    // It holds the stream until the next round takes it over: a client that polls is not away between two rounds.
    else this.#timer = setTimeout(() => registry.detach(registered, this, "client_gone"), betweenPollsMs).unref();
  }

  /** Reads and waits no more. Returns whether the client still waited for its answer. */
  #leave(): boolean {
    const waits = !this.#answered;
    this.#answered = true;
    clearTimeout(this.#timer);
    this.#reader.detach();
    return waits;
  }
}
