import type { Code } from "../../../../protocol/codes.ts";
import type { Dialect } from "../../../core/dialect/dialect.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Attachment, RegisteredStream, StreamRegistry } from "../../../core/stream/registry.ts";
import type { Stream } from "../../../core/stream/stream.ts";
import type { AnswerFacts } from "../messages/answer-chunks.ts";

/** A reader that an answer can lose. */
export interface AnswerListener {
  detached(why: Code): void;
}

/** One answer of a chat, for any number of readers: tabs, and pages that were loaded again. */
export class Answer implements Attachment {
  readonly registered: RegisteredStream;
  /** The dialect of its events. */
  readonly dialect: Dialect;
  readonly facts: AnswerFacts;
  readonly #registry: StreamRegistry;
  readonly #readers = new Set<AnswerListener>();
  #isStopped = false;

  constructor(registered: RegisteredStream, dialect: Dialect, facts: AnswerFacts, registry: StreamRegistry) {
    this.registered = registered;
    this.dialect = dialect;
    this.facts = facts;
    this.#registry = registry;
  }

  get stream(): Stream {
    return this.registered.stream;
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
