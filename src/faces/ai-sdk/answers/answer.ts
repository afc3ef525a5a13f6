import type { Code } from "../../../../protocol/codes.ts";
import type { Decoder } from "../../../core/dialect/dialect.ts";
import { fromByteString, toByteString } from "../../../core/kernel/byte-string.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Attachment, RegisteredStream } from "../../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../../core/stream/registry.ts";
import type { Stream } from "../../../core/stream/stream.ts";
import type { AnswerFacts, Chunk } from "../messages/answer-chunks.ts";

/** A reader that an answer can lose. */
export interface AnswerListener {
  detached(why: Code): void;
}

/** One answer of a chat, for any number of readers: tabs, and pages that were loaded again. */
export class Answer implements Attachment {
  readonly registered: RegisteredStream;
  readonly facts: AnswerFacts;
  readonly #registry: StreamRegistry;
  readonly #readers = new Set<AnswerListener>();
  readonly #hasEarlier: boolean;
  #isStopped = false;

  /** `earlier`: the chunks of the message that this answer goes on with. Their memory is the log's. */
  constructor(
    registered: RegisteredStream,
    facts: AnswerFacts,
    registry: StreamRegistry,
    earlier: readonly Chunk[] = [],
  ) {
    this.registered = registered;
    this.facts = facts;
    this.#registry = registry;
    this.#hasEarlier = earlier.length > 0;
    if (this.#hasEarlier) registered.stream.log.prefix(toByteString(JSON.stringify(earlier)));
  }

  /** Whether its message can be read from its beginning: nothing was trimmed, evicted or too large to keep. */
  get isWhole(): boolean {
    const { tail, preface } = this.stream.log;
    return tail === 0 && this.#hasEarlier === (preface !== "");
  }

  /** What its message held before it. */
  get earlier(): readonly Chunk[] {
    const { preface } = this.stream.log;
    return preface === "" ? [] : JSON.parse(fromByteString(preface));
  }

  get stream(): Stream {
    return this.registered.stream;
  }

  /** A new decoder of its events, once they come. */
  decoder(): Decoder {
    const { dialect } = this.stream;
    if (!dialect) throw new GatewayError("internal", "an answer without a dialect");
    return dialect.decoder();
  }

  /** Whether a client stopped it. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Closes the upstream; all readers learn that a client wished it. */
  stop(): void {
    this.#isStopped = true;
    this.stream.cancel(new GatewayError("cancelled"));
  }

  /** While it has a reader, its stream does not wait for one. */
  join(reader: AnswerListener): void {
    this.#readers.add(reader);
    if (this.#readers.size === 1) this.#registry.attach(this.registered, this);
  }

  /** `why`: undefined for a reader that has everything. */
  leave(reader: AnswerListener, why?: Code): void {
    if (this.#readers.delete(reader) && this.#readers.size === 0) this.#registry.detach(this.registered, this, why);
  }

  detached(why: Code): void {
    for (const reader of [...this.#readers]) reader.detached(why);
    this.#readers.clear();
  }
}
