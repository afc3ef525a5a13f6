import type { Names } from "../link/names.ts";

/** The names of what is kept of streams in Redis. */
export class StreamKeys {
  readonly #names: Names;
  // Each append of each stream asks for these.
  readonly #log: string;
  readonly #meta: string;

  constructor(names: Names) {
    this.#names = names;
    this.#log = names.of("log", "");
    this.#meta = names.of("stream", "");
  }

  /** A Redis Stream: an entry a batch, its id `<last seq>-0`. */
  log(id: string): string {
    return this.#log + id;
  }

  /** A hash: `owner`, `seq`, `facts`, `previous`, `usage`, and once it has ended `end` and `until`. */
  meta(id: string): string {
    return this.#meta + id;
  }

  /** The set of a node's running streams. */
  owned(node: string): string {
    return this.#names.of("streams", node);
  }

  /** The channel on which readers of a stream are woken. */
  wake(id: string): string {
    return this.#names.of("wake", id);
  }

  /** The lease of a node. */
  lease(node: string): string {
    return this.#names.lease(node);
  }
}
