import { CODES, type Code } from "../../../../protocol/codes.ts";
import type { Decoder } from "../../../core/dialect/dialect.ts";
import { fromByteString, toByteString } from "../../../core/kernel/byte-string.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { Audience } from "../../../core/stream/clients/audience.ts";
import type { Attachment, RegisteredStream } from "../../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../../core/stream/registry.ts";
import type { Stream } from "../../../core/stream/stream.ts";
import type { AnswerFacts, Chunk } from "../messages/answer-chunks.ts";

/** One answer of a chat, for any number of readers: tabs, and pages that were loaded again, on any node. */
export class Answer {
  readonly registered: RegisteredStream;
  readonly facts: AnswerFacts;
  readonly #registry: StreamRegistry;
  /** Its message held something before it. */
  readonly #goesOn: boolean;
  #isStopping = false;

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
    this.#goesOn = earlier.length > 0;
    if (this.#goesOn) registered.stream.log.prefix(toByteString(JSON.stringify(earlier)));
  }

  /** Whether its message can be read from its beginning: nothing was trimmed, evicted or too large to keep. */
  get isWhole(): boolean {
    return this.stream.log.tail === 0 && this.hasEarlier;
  }

  /** Whether what its message held before it was kept. */
  get hasEarlier(): boolean {
    return this.#goesOn === (this.stream.log.preface !== "");
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

  /** Whether a client stopped it, here or on another node: others who end a stream say more than that. */
  get isStopped(): boolean {
    const { code, message } = this.stream.terminal?.error ?? {};
    return this.#isStopping || (code === "cancelled" && message === CODES.cancelled.meaning);
  }

  /** Closes the upstream; all readers learn that a client wished it. */
  stop(): void {
    this.#isStopping = true;
    this.stream.cancel(new GatewayError("cancelled"));
  }

  /** While it has a reader, its stream does not wait for one. */
  join(reader: Attachment): void {
    this.#readers.join(reader);
  }

  /** `why`: undefined for a reader that has everything. */
  leave(reader: Attachment, why?: Code): void {
    this.#readers.leave(reader, why);
  }

  get #readers(): Audience {
    return Audience.of(this.registered, this.#registry);
  }
}
