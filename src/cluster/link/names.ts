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

  /** The lease of a node, which is alive while the key exists. */
  lease(node: string): string {
    return `${this.#prefix}:node:${node}`;
  }

  /** Exists while a node's lease is too new for it to judge others by theirs. */
  newLease(node: string): string {
    return `${this.#prefix}:new:${node}`;
  }

  /** Exists, with the epoch in it, while nodes that may judge renew their leases: a node that starts then may judge at once. */
  get calm(): string {
    return `${this.#prefix}:calm`;
  }

  /** The messages of other nodes to a node, in order. */
  mailbox(node: string): string {
    return `${this.#prefix}:mail:${node}`;
  }

  /** Names the node that clears a dead one away. */
  clearing(node: string): string {
    return `${this.#prefix}:clearing:${node}`;
  }

  /** What is written to learn whether Redis takes writes. */
  get probe(): string {
    return `${this.#prefix}:probe`;
  }

  /** The channel on which changes of the gateway keys are announced. */
  get keyChanges(): string {
    return `${this.#prefix}:keys`;
  }

  /** Any other key, by its kind and what it is about. */
  of(kind: string, ...about: readonly string[]): string {
    return [this.#prefix, kind, ...about].join(":");
  }
}
