import type { Names } from "../link/names.ts";

/** The names of what is kept of streams in Redis. */
export class StreamKeys {
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  /** A Redis Stream: an entry a batch, its id `<last seq>-0`. */
  log(id: string): string {
    return this.#names.of("log", id);
  }

  /** A hash: `owner`, `seq`, `facts`, `previous`, `usage`, and once it has ended `end` and `until`. */
  meta(id: string): string {
    return this.#names.of("stream", id);
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
