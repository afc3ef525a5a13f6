import type { Money } from "./money.ts";

/** Between two looks, in milliseconds: short enough that nothing left behind is held for ten seconds. */
const LOOK_MS = 5_000;

/** What is needed to find nodes that are gone and still hold something. */
export interface OrphansParts {
  readonly money: Money;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** Whether a node may be alive. Rejects when that is not known. */
  readonly isAlive: (node: string) => Promise<boolean>;
  /** Settles what it held. */
  readonly gone: (node: string) => Promise<unknown>;
}

/**
 * Settles what nodes hold that nobody else clears away: they left while this Redis was away, or the Redis of the
 * leases has forgotten them.
 */
export class Orphans {
  readonly #parts: OrphansParts;
  #nodes = 1;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(parts: OrphansParts) {
    this.#parts = parts;
  }

  /** How many nodes took part in the caps at the last look; at least one. */
  get nodes(): number {
    return this.#nodes;
  }

  /** Looks, if it is time. Rejects as `RedisLink.run` does. */
  async look(): Promise<void> {
    const { money, now, isAlive, gone } = this.#parts;
    if (now() < this.#nextAt) return;
    this.#nextAt = now() + LOOK_MS;
    const { keys, link } = money;
    const stated = (await link.command(["SMEMBERS", keys.stated])) as string[];
    let nodes = 0;
    for (const node of stated) {
      if (await isAlive(node)) {
        nodes++;
        continue;
      }
      await gone(node);
      await link.command(["SREM", keys.stated, node]);
    }
    this.#nodes = Math.max(1, nodes);
  }
}
