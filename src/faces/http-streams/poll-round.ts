import type { Code } from "../../../protocol/codes.ts";
import { type ByteString, fromByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange } from "../../core/ports/http-face.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import type { Attachment, RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import { Window } from "../../core/stream/window.ts";
import { endBody, eventBody } from "../../core/stream/wire.ts";

/** What one response contains at most, a single larger event aside. */
const ROUND_LIMITS = { maxBytes: 1_048_576, maxEntries: Number.POSITIVE_INFINITY };

/** What one round is built from. */
export interface PollRoundParts {
  readonly exchange: HttpExchange;
  readonly registry: StreamRegistry;
  readonly registered: RegisteredStream;
  readonly after: number;
  readonly waitMs: number;
  /** How long the client may take until its next round before it counts as gone. */
  readonly betweenPollsMs: number;
}

/**
 * One round of a long poll: responds as soon as there is an event, or without events when its wait is over. The position a
 * client reads from is its acknowledgement; later events stay in the log, so that a lost response can be requested again.
 */
export class PollRound implements Attachment, ReaderSink {
  readonly #parts: PollRoundParts;
  readonly #reader: Reader;
  readonly #events: ByteString[] = [];
  #hasContent = false;
  #terminal: Terminal | undefined;
  #responded = false;
  /** Before the response: the end of the wait. After it: the deadline for the next round. */
  #timer: NodeJS.Timeout;

  constructor(parts: PollRoundParts) {
    const { exchange, registered, after, waitMs } = parts;
    this.#parts = parts;
    exchange.onClose((why) => this.#closed(why));
    this.#timer = setTimeout(() => this.#reader.guard(() => this.#respond()), waitMs);
    this.#reader = registered.stream.addReader(this, after, new Window(ROUND_LIMITS, after));
  }

  /** Whether it has responded and holds the stream for the next round. */
  get readsOn(): boolean {
    return this.#responded;
  }

  /** Takes the stream over from its previous reader, and reads what the log holds. */
  begin(): void {
    this.#parts.registry.attach(this.#parts.registered, this);
    this.#reader.wake();
  }

  push(entry: Entry): boolean {
    // Events of the same callback share the response.
    if (this.#events.push(eventBody(entry)) === 1) this.#reader.defer(() => this.#respond());
    this.#hasContent ||= entry.hasContent;
    return true;
  }

  end(terminal: Terminal): void {
    this.#terminal = terminal;
    this.#reader.defer(() => this.#respond());
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

  #respond(): void {
    if (!this.#leave()) return;
    const { exchange, registry, registered, betweenPollsMs } = this.#parts;
    const { toldDialect } = registered.stream;
    const dialect = toldDialect !== undefined && this.#events.length > 0 ? `,"dialect":"${toldDialect}"` : "";
    const end = this.#terminal ? `,"end":${JSON.stringify(endBody(this.#terminal))}` : "";
    exchange.respond({
      status: 200,
      headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
      body: `{"epoch":${registered.stream.info.epoch}${dialect},"events":[${fromByteString(this.#events.join(","))}]${end}}\n`,
    });
    if (this.#hasContent) registered.stream.contentSent();
    if (this.#terminal) {
      registry.detach(registered, this);
      // The client asked for what follows the last event, so it has received everything.
      if (this.#events.length === 0) registry.handled(registered);
    }
    // Holds the stream until the next round, so that a polling client does not count as away.
    else this.#timer = setTimeout(() => registry.detach(registered, this, "client_gone"), betweenPollsMs).unref();
  }

  /** Stops reading and waiting. Returns whether the client was still waiting for its response. */
  #leave(): boolean {
    const waits = !this.#responded;
    this.#responded = true;
    clearTimeout(this.#timer);
    this.#reader.detach();
    return waits;
  }
}
