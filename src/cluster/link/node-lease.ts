import type { Names } from "./names.ts";
import type { RedisLink } from "./redis-link.ts";
import { Script } from "./script.ts";

/** How long a node that says nothing counts as alive, in milliseconds. */
export const LEASE_MS = 6_000;
const RENEW_MS = 2_000;
/** How long a node takes to clear a dead one away at most, before another may try. */
const CLEARING_MS = 10_000;

/** What a node learns of its cluster. */
export interface LeaseEvents {
  /** Redis lost its data: nothing that was kept in it is there. Called before anything else happens in the new epoch. */
  dataLost(): void;
  /** This node's lease had lapsed: what it owned may have been given up by others. */
  lapsed(): void;
  /** A node is gone and this one clears it away. Rejects to be called again later. Must do no harm when called twice. */
  gone(node: string): Promise<void>;
  fault(error: unknown): void;
}

/** `{node, epoch if it is new, lease in ms}` → the epoch, and whether the lease was still there. */
const RENEW = new Script(`
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[2]
  redis.call('SET', KEYS[1], epoch)
end
local was = redis.call('EXISTS', KEYS[3])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[3])
return {epoch, was}
`);

/** The members of the set of nodes without a lease. */
const DEAD = new Script(`
local dead = {}
for _, node in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', ARGV[1] .. node) == 0 then table.insert(dead, node) end
end
return dead
`);

/** Removes a node that is still dead. */
const FORGET = new Script(`
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[3])
return redis.call('SREM', KEYS[1], ARGV[1])
`);

/** A node's lease in its cluster: renewed every two seconds, and gone six seconds after the node is. */
export class NodeLease {
  readonly node: string;
  readonly #link: RedisLink;
  readonly #names: Names;
  readonly #events: LeaseEvents;
  readonly #about: string;
  #epoch: string | undefined;
  #heardAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `about`: what others may show of the node. */
  constructor(node: string, link: RedisLink, names: Names, about: string, events: LeaseEvents) {
    this.node = node;
    this.#link = link;
    this.#names = names;
    this.#about = about;
    this.#events = events;
  }

  /** Since Redis last confirmed the lease, in milliseconds. */
  get ageMs(): number {
    return performance.now() - this.#heardAt;
  }

  /** Whether others take this node for alive, as far as it knows. */
  get isHeld(): boolean {
    return this.ageMs < LEASE_MS;
  }

  /** Takes the lease and renews it from now on. Rejects with `cluster_unavailable`. */
  async open(): Promise<void> {
    await this.#renew();
    const tick = () => {
      this.#timer = setTimeout(() => void this.#round().then(tick), RENEW_MS);
      this.#timer.unref();
    };
    tick();
  }

  /** Whether a node is alive. Rejects with `cluster_unavailable`. */
  async isAlive(node: string): Promise<boolean> {
    return (await this.#link.command(["EXISTS", this.#names.lease(node)])) === 1;
  }

  /** The nodes that are alive, or were not cleared away yet. */
  async nodes(): Promise<readonly string[]> {
    return (await this.#link.command(["SMEMBERS", this.#names.nodes])) as string[];
  }

  /** Gives the lease back: the node has left in good order. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const keys = [this.#names.lease(this.node), this.#names.mailbox(this.node)];
    await this.#link.command(["DEL", ...keys]).catch(() => {});
    await this.#link.command(["SREM", this.#names.nodes, this.node]).catch(() => {});
  }

  async #round(): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.#renew();
      await this.#clear();
    } catch (error) {
      // That Redis is away is the link's to tell.
      if (this.#link.isUp && !this.#isClosed) this.#events.fault(error);
    }
  }

  async #renew(): Promise<void> {
    const { epoch: epochKey, nodes } = this.#names;
    const keys = [epochKey, nodes, this.#names.lease(this.node)];
    const reply = await this.#link.run(RENEW, keys, [this.node, crypto.randomUUID(), String(LEASE_MS), this.#about]);
    const [epoch, was] = reply as [string, number];
    const before = this.#epoch;
    this.#epoch = epoch;
    this.#heardAt = performance.now();
    if (before !== undefined && before !== epoch) this.#events.dataLost();
    else if (before !== undefined && was === 0) this.#events.lapsed();
  }

  async #clear(): Promise<void> {
    const dead = (await this.#link.run(DEAD, [this.#names.nodes], [this.#names.lease("")])) as string[];
    for (const node of dead) {
      const clearing = this.#names.clearing(node);
      const isOurs = await this.#link.command(["SET", clearing, this.node, "NX", "PX", String(CLEARING_MS)]);
      if (isOurs === null) continue;
      await this.#events.gone(node);
      await this.#link.run(FORGET, [this.#names.nodes, this.#names.lease(node), this.#names.mailbox(node)], [node]);
    }
  }
}
