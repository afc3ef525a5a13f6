import { BoundedMap } from "../../core/kernel/bounded-map.ts";
import type { RegisteredStream, StreamRegistry } from "../../core/stream/registry.ts";

/** Remembered for each connection; of more, the one that ended first is kept as long as one that nobody handled. */
const MAX_REMEMBERED = 256;

/**
 * Streams of one connection whose end was sent and whose last events are not acknowledged yet. Once they are, nobody is
 * expected to read them again.
 */
export class Unhandled {
  readonly #registry: StreamRegistry;
  /** By the client's id, the first that ended first. */
  readonly #ended = new BoundedMap<string, { readonly registered: RegisteredStream; readonly lastSeq: number }>(
    MAX_REMEMBERED,
  );

  constructor(registry: StreamRegistry) {
    this.#registry = registry;
  }

  add(id: string, registered: RegisteredStream, lastSeq: number): void {
    this.#ended.set(id, { registered, lastSeq });
  }

  /** The client has handled everything up to `seq`. */
  acknowledge(id: string, seq: number): void {
    const ended = this.#ended.get(id);
    if (!ended || seq < ended.lastSeq) return;
    this.#ended.delete(id);
    this.#registry.handled(ended.registered);
  }

  /** The client gives the id to another stream: it is done with the one before. */
  reused(id: string): void {
    this.acknowledge(id, Number.POSITIVE_INFINITY);
  }
}
