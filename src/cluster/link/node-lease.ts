import type { Names } from "./names.ts";
import type { RedisLink, Reply } from "./redis-link.ts";
import { Script } from "./script.ts";

/** How long a node that says nothing counts as alive, in milliseconds. */
export const LEASE_MS = 6_000;
const RENEW_MS = 2_000;
/** How long a node takes to clear a dead one away at most, before another may try. */
const CLEARING_MS = 10_000;
/** How long leaving may take: a Redis that is silent then learns of it by the lease's end. */
const LEAVE_MS = 500;

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

/** `{node, epoch if it is new, lease in ms, about}` → the epoch, whether the lease was still there, and how many nodes there are. */
const RENEW = new Script(`
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[2]
  redis.call('SET', KEYS[1], epoch)
end
local was = redis.call('EXISTS', KEYS[3])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[3])
return {epoch, was, redis.call('SCARD', KEYS[2])}
`);

/**
 * Whether the judging node's own lease is there, in the epoch it knows: otherwise Redis has lost leases, and one that is
 * missing means nothing. `KEYS`: epoch, own lease. `ARGV`: the known epoch.
 */
const MAY_JUDGE = `redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('EXISTS', KEYS[2]) == 1`;

/** 1 if a node is surely dead, else 0. */
const IS_DEAD = new Script(`
return ${MAY_JUDGE} and redis.call('EXISTS', KEYS[3]) == 0 and 1 or 0
`);

/** The members of the set of nodes that are surely dead. */
const DEAD = new Script(`
local dead = {}
if not (${MAY_JUDGE}) then return dead end
for _, node in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  if redis.call('EXISTS', ARGV[2] .. node) == 0 then table.insert(dead, node) end
end
return dead
`);

/** Takes it on to clear a node away that is surely dead. 1 if nobody else has. */
const CLAIM = new Script(`
if not (${MAY_JUDGE}) or redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
return redis.call('SET', KEYS[4], ARGV[2], 'NX', 'PX', ARGV[3]) and 1 or 0
`);

/** Removes a node that is still dead. */
const FORGET = new Script(`
redis.call('DEL', KEYS[4])
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[3])
return redis.call('SREM', KEYS[1], ARGV[1])
`);

/** Removes a node that leaves in good order. */
const LEAVE = new Script(`
redis.call('DEL', KEYS[2], KEYS[3])
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
  /** When the renewal was asked for that was confirmed last. */
  #renewedAt = performance.now();
  /** Since when the lease has been held without a break. */
  #heldSince = performance.now();
  #nodeCount = 1;
  #timer: NodeJS.Timeout | undefined;
  #clearing: Promise<void> | undefined;
  #isClosed = false;

  /** `about`: what others may show of the node. */
  constructor(node: string, link: RedisLink, names: Names, about: string, events: LeaseEvents) {
    this.node = node;
    this.#link = link;
    this.#names = names;
    this.#about = about;
    this.#events = events;
  }

  /** Since the lease was last renewed, in milliseconds. */
  get ageMs(): number {
    return performance.now() - this.#renewedAt;
  }

  /** Whether others take this node for alive, as far as it knows. */
  get isHeld(): boolean {
    return this.ageMs < LEASE_MS;
  }

  /** Names the data that Redis has: another value means that it lost them. Undefined until the lease is taken. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** Whether this node has held its lease for the length of one: it may take those without a lease for dead. */
  get mayJudge(): boolean {
    return this.isHeld && performance.now() - this.#heldSince >= LEASE_MS;
  }

  /** How many nodes there are, this one and those not yet cleared away included, as of the last renewal. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** Takes the lease and renews it from now on. Rejects with `cluster_unavailable`. */
  async open(): Promise<void> {
    await this.#renew();
    this.#timer = setInterval(() => void this.renew(), RENEW_MS).unref();
  }

  /** Renews the lease now. Never rejects: that Redis is away is the link's to tell. */
  async renew(): Promise<void> {
    if (this.#isClosed || this.#epoch === undefined) return;
    try {
      await this.#renew();
    } catch (error) {
      this.#tell(error);
      return;
    }
    // Beside the renewals, which must not wait for it.
    this.#clearing ??= this.#clear()
      .catch((error: unknown) => this.#tell(error))
      .finally(() => {
        this.#clearing = undefined;
      });
  }

  /**
   * Whether a node is alive. All count as alive until this node has held its own lease for the length of a lease, and while it
   * does not hold it: after an outage of Redis every lease is gone, and each node needs a moment to take its own again. Rejects
   * with `cluster_unavailable`.
   */
  async isAlive(node: string): Promise<boolean> {
    const isDead = await this.#judge(IS_DEAD, [this.#names.lease(node)], []);
    return isDead !== 1 || !this.mayJudge;
  }

  /** The nodes that are alive, or were not cleared away yet. */
  async nodes(): Promise<readonly string[]> {
    return (await this.#link.command(["SMEMBERS", this.#names.nodes])) as string[];
  }

  /** Gives the lease back: the node has left in good order. Never rejects, and takes half a second at most. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    const keys = [this.#names.nodes, this.#names.lease(this.node), this.#names.mailbox(this.node)];
    const leaving = this.#link.run(LEAVE, keys, [this.node]).catch(() => {});
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, LEAVE_MS);
    await Promise.race([leaving, late.promise]);
    clearTimeout(timer);
  }

  async #renew(): Promise<void> {
    const keys = [this.#names.epoch, this.#names.nodes, this.#names.lease(this.node)];
    const askedAt = performance.now();
    const reply = await this.#link.run(RENEW, keys, [this.node, crypto.randomUUID(), String(LEASE_MS), this.#about]);
    const [epoch, was, nodes] = reply as [string, number, number];
    if (this.#isClosed) return;
    const before = this.#epoch;
    this.#epoch = epoch;
    // Redis counts from when it ran the script, which is later than this.
    this.#renewedAt = askedAt;
    this.#nodeCount = nodes;
    if (was === 0) this.#heldSince = performance.now();
    if (before !== undefined && before !== epoch) this.#events.dataLost();
    else if (before !== undefined && was === 0) this.#events.lapsed();
  }

  /** Clears the dead away, one after the other. */
  async #clear(): Promise<void> {
    if (!this.mayJudge) return;
    const dead = (await this.#judge(DEAD, [this.#names.nodes], [this.#names.lease("")])) as string[];
    for (const node of dead) {
      // One that cannot be cleared away does not keep the others.
      await this.#clearOf(node).catch((error: unknown) => this.#tell(error));
    }
  }

  async #clearOf(node: string): Promise<void> {
    const { nodes } = this.#names;
    const [claim, lease, mailbox] = [this.#names.clearing(node), this.#names.lease(node), this.#names.mailbox(node)];
    if ((await this.#judge(CLAIM, [lease, claim], [this.node, String(CLEARING_MS)])) !== 1) return;
    await this.#events.gone(node);
    await this.#link.run(FORGET, [nodes, lease, mailbox, claim], [node]);
  }

  /** Runs a script that begins with what `MAY_JUDGE` needs. */
  #judge(script: Script, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const own = [this.#names.epoch, this.#names.lease(this.node)];
    return this.#link.run(script, [...own, ...keys], [this.#epoch ?? "", ...args]);
  }

  #tell(error: unknown): void {
    if (this.#link.isUp && !this.#isClosed) this.#events.fault(error);
  }
}
