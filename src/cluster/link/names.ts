/** The names of a cluster's keys and channels in Redis. */
export class Names {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Made once; another value means that Redis lost its data. */
  get epoch(): string {
    return `${this.#prefix}:epoch`;
  }

  /** The set of all nodes that were not yet cleared away. */
  get nodes(): string {
    return `${this.#prefix}:nodes`;
  }

  /** The lease of a node: it is alive while the key is there. */
  lease(node: string): string {
    return `${this.#prefix}:node:${node}`;
  }

  /** There while a node's lease is too new to judge others by theirs. */
  newLease(node: string): string {
    return `${this.#prefix}:new:${node}`;
  }

  /** There, with the epoch, while nodes that may judge have renewed their leases: a node that begins need not wait to judge. */
  get calm(): string {
    return `${this.#prefix}:calm`;
  }

  /** What other nodes ask of a node, in order. */
  mailbox(node: string): string {
    return `${this.#prefix}:mail:${node}`;
  }

  /** Who clears a dead node away. */
  clearing(node: string): string {
    return `${this.#prefix}:clearing:${node}`;
  }

  /** What is written to learn whether Redis takes writes. */
  get probe(): string {
    return `${this.#prefix}:probe`;
  }

  /** The channel that says that the gateway keys changed. */
  get keyChanges(): string {
    return `${this.#prefix}:keys`;
  }

  /** Any other key, by its kind and what it is about. */
  of(kind: string, ...about: readonly string[]): string {
    return [this.#prefix, kind, ...about].join(":");
  }
}
