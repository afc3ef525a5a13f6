import { BoundedMap } from "../../core/kernel/bounded-map.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";

/** Remembered for each connection; beyond it, the oldest is forgotten and kept for the full retention time. */
const MAX_REMEMBERED = 256;

/**
 * Streams of one connection whose end was sent but whose last events are not acknowledged yet. Once they are, the streams
 * need not be kept for a resume.
 */
export class Unhandled {
  readonly #registry: StreamRegistry;
  /** By the client's id, in the order in which they ended. */
  readonly #ended = new BoundedMap<string, { readonly registered: RegisteredStream; readonly lastSeq: number }>(
    MAX_REMEMBERED,
  );

  constructor(registry: StreamRegistry) {
    this.#registry = registry;
  }

  /** Remembers a stream whose end was sent with `lastSeq`. */
  add(id: string, registered: RegisteredStream, lastSeq: number): void {
    this.#ended.set(id, { registered, lastSeq });
  }

  /** The client has handled everything up to `seq`. */
  acknowledge(id: string, seq: number): void {
    const ended = this.#ended.get(id);
    if (ended && seq >= ended.lastSeq) this.#forget(id, true);
  }

  /** The client reuses the id: for another stream, and so needs the earlier one no more, or to read the same one again. */
  reused(id: string): void {
    this.#forget(id, false);
  }

  #forget(id: string, isAcknowledged: boolean): void {
    const ended = this.#ended.get(id);
    if (!ended) return;
    this.#ended.delete(id);
    this.#registry.handled(ended.registered, isAcknowledged);
  }
}
