import type { Names } from "../link/names.ts";

/** Everything that one script touches has one hash tag. */
const TAG = "{money}";

/** The names in Redis of what is counted and held. */
export class MoneyKeys {
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  /** Made once; another value means that this Redis lost its data. */
  get epoch(): string {
    return this.#names.of(TAG, "epoch");
  }

  /** When the epoch began, by the clock of Redis. */
  get began(): string {
    return this.#names.of(TAG, "began");
  }

  /** The epoch in which the counters were last rebuilt: it equals `epoch` while they can be relied on. */
  get rebuilt(): string {
    return this.#names.of(TAG, "rebuilt");
  }

  /** The set of nodes that have stated in this epoch what they hold. */
  get stated(): string {
    return this.#names.of(TAG, "stated");
  }

  /** The set of streams that were counted while the counters were not rebuilt: the ledger must not count them again. */
  get counted(): string {
    return this.#names.of(TAG, "counted");
  }

  /** The set of a node's streams that hold something, by name. */
  holds(node: string): string {
    return this.#names.of(TAG, "holds", node);
  }

  /** What one stream holds and has spent. */
  row(stream: string): string {
    return this.#names.of(TAG, "row", stream);
  }

  /** What is counted in an account. */
  account(name: string): string {
    return this.#names.of(TAG, "account", name);
  }

  /** The keys of a script about one stream, in their order. */
  ofStream(node: string, stream: string, accounts: readonly string[]): readonly string[] {
    return [this.epoch, this.rebuilt, this.row(stream), this.holds(node), this.counted, ...accounts];
  }
}
