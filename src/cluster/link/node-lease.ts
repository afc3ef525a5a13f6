import { GatewayError } from "../../core/kernel/errors.ts";
import { CLAIM, FORGET, IS_DEAD, JUDGED, LEAVE, type OwnKeys, RENEW } from "./lease-scripts.ts";
import { leaveInTime } from "./leave-in-time.ts";
import type { Names } from "./names.ts";
import type { RedisLink, Reply } from "./redis-link.ts";
import type { Script } from "./script.ts";

/** How long a silent node counts as alive, in milliseconds. */
export const LEASE_MS = 6_000;
const RENEW_MS = 2_000;
/**
 * For how long one renewal vouches that leases lapse only when their nodes end, in milliseconds. Longer than the time to the
 * next renewal; with the second and a half in which nodes reconnect, no longer than a living node's lease lasts when an outage
 * begins (at least a lease less the time between renewals).
 */
const CALM_MS = 2_500;
/** How often a node looks for dead ones, in milliseconds. */
const LOOK_MS = 1_000;
/** How long a node may take to clear a dead one away before another may try, in milliseconds. */
const CLEARING_MS = 10_000;

/** What a node hears of its cluster. */
export interface LeaseEvents {
  /** Redis lost its data: nothing that was kept in it is left. Called before anything else happens in the new epoch. */
  dataLost(): void;
  /** This node's lease had lapsed: others may have ended what it owned. */
  lapsed(): void;
  /** Another node is gone, and this one clears it away. May reject, to be called again later. Must be idempotent. */
  gone(node: string): Promise<void>;
  /** This node has cleared it away. */
  cleared(node: string): void;
  fault(error: unknown): void;
}

/** A node's lease in its cluster: renewed every two seconds, and gone six seconds after the node is. */
export class NodeLease {
  readonly node: string;
  readonly #link: RedisLink;
  readonly #names: Names;
  readonly #events: LeaseEvents;
  readonly #about: string;
  #epoch: string | undefined;
  /** When the last confirmed renewal was requested. */
  #renewedAt = performance.now();
  /** Redis was out of reach since the last renewal: others' leases may have lapsed because they could not renew them. */
  #isInDoubt = false;
  #nodeCount = 1;
  #clockAheadMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #looks: NodeJS.Timeout | undefined;
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

  /** How long ago the lease was last renewed, in milliseconds. */
  get ageMs(): number {
    return performance.now() - this.#renewedAt;
  }

  /** Whether others count this node as alive, as far as it knows. */
  get isHeld(): boolean {
    return this.ageMs < LEASE_MS;
  }

  /** Names the data that Redis has: another value means that it lost them. Undefined until the lease is taken. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** How many nodes there are, this one and those not yet cleared away included, as of the last renewal. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /**
   * How far this node's clock is ahead of Redis', in milliseconds, as of the last renewal; negative if it is behind. No more than is
   * certain, however long the reply took.
   */
  get clockAheadMs(): number {
    return this.#clockAheadMs;
  }

  /** Takes the lease and renews it from now on. Rejects with `cluster_unavailable`. */
  async open(): Promise<void> {
    await this.#renew();
    this.#timer = setInterval(() => void this.renew(), RENEW_MS).unref();
  }

  /**
   * Clears dead nodes away from now on, until disposed: while all parts that must hear of one (`gone`) are there, because nobody
   * hears of it a second time.
   */
  watch(): Disposable {
    this.#looks ??= setInterval(() => this.#look(), LOOK_MS).unref();
    return { [Symbol.dispose]: () => this.#unwatch() };
  }

  /** Renews the lease now. Never rejects: the link reports that Redis is away. */
  async renew(): Promise<void> {
    if (this.#isClosed || this.#epoch === undefined) return;
    try {
      await this.#renew();
    } catch (error) {
      this.#report(error);
      return;
    }
    this.#look();
  }

  /** Redis is out of reach. Once it is back, nodes need a moment to renew their leases before a missing one proves anything. */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /**
   * Whether a node is alive. All count as alive until this one may judge: once it has held its lease for the length of a lease
   * without an outage, or at once if a node that may judge vouched for all leases when it started. Rejects with
   * `cluster_unavailable`.
   */
  async isAlive(node: string): Promise<boolean> {
    return (await this.judge(IS_DEAD, [this.#names.lease(node)], [])) !== 1;
  }

  /** The other living nodes; undefined while this node may not judge. Rejects with `cluster_unavailable`. */
  async others(): Promise<readonly string[] | undefined> {
    const judged = await this.#judged();
    return judged?.living.filter((node) => node !== this.node);
  }

  /**
   * Runs a script that begins with `MAY_JUDGE`: its own keys follow those of this node, its own arguments the known epoch.
   * Rejects with `cluster_unavailable`.
   */
  judge(script: Script, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    return this.#link.run(script, [...this.#ownKeys, ...keys], [this.#epoch ?? "", ...args]);
  }

  /** The nodes that are alive, or were not cleared away yet. */
  async nodes(): Promise<readonly string[]> {
    return (await this.#link.command(["SMEMBERS", this.#names.nodes])) as string[];
  }

  /** Gives the lease up, and so leaves the cluster. Never rejects, and takes half a second at most. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#unwatch();
    const keys = [...this.#ownKeys, this.#names.nodes, this.#names.mailbox(this.node)];
    await leaveInTime(this.#link.run(LEAVE, keys, [this.node]));
  }

  get #ownKeys(): OwnKeys {
    return [this.#names.epoch, this.#names.lease(this.node), this.#names.newLease(this.node)];
  }

  async #renew(): Promise<void> {
    const askedAt = performance.now();
    const askedWall = Date.now();
    const isInDoubt = this.#isInDoubt;
    this.#isInDoubt = false;
    const ifNew = crypto.randomUUID();
    const known = [this.#about, this.#epoch ?? "", isInDoubt ? "1" : "0"];
    const args = [this.node, ifNew, String(LEASE_MS), ...known, String(CALM_MS)];
    const renewing = this.#link.run(RENEW, [...this.#ownKeys, this.#names.nodes, this.#names.calm], args);
    const reply = await renewing.catch((error: unknown) => {
      this.#isInDoubt ||= isInDoubt;
      throw error;
    });
    const [epoch, was, nodes, redisWall] = reply as [string, number, number, number];
    if (this.#isClosed) return;
    const before = this.#epoch;
    this.#epoch = epoch;
    // Redis counts from when it ran the script, a little later.
    this.#renewedAt = askedAt;
    this.#nodeCount = nodes;
    // Redis read its clock at some moment in between.
    this.#clockAheadMs = Math.max(0, askedWall - redisWall) + Math.min(0, Date.now() - redisWall);
    if (before !== undefined && before !== epoch) this.#events.dataLost();
    else if (before !== undefined && was === 0) this.#events.lapsed();
  }

  async #judged(): Promise<{ readonly living: readonly string[]; readonly dead: readonly string[] } | undefined> {
    const reply = await this.judge(JUDGED, [this.#names.nodes], [this.#names.lease("")]);
    if (reply === null) return undefined;
    const [living, dead] = reply as unknown as readonly [readonly string[], readonly string[]];
    return { living, dead };
  }

  #unwatch(): void {
    clearInterval(this.#looks);
    this.#looks = undefined;
  }

  /** Runs beside the renewals, which must not wait for it. */
  #look(): void {
    if (this.#looks === undefined) return;
    this.#clearing ??= this.#clear()
      .catch((error: unknown) => this.#report(error))
      .finally(() => {
        this.#clearing = undefined;
      });
  }

  /** Clears the dead away, one after the other. */
  async #clear(): Promise<void> {
    const judged = await this.#judged();
    for (const node of judged?.dead ?? []) {
      if (this.#looks === undefined) return;
      // One that cannot be cleared away does not hold up the others.
      await this.#clearOf(node).catch((error: unknown) => this.#report(error));
    }
  }

  async #clearOf(node: string): Promise<void> {
    const { nodes } = this.#names;
    const [claim, lease, mailbox] = [this.#names.clearing(node), this.#names.lease(node), this.#names.mailbox(node)];
    if ((await this.judge(CLAIM, [lease, claim], [this.node, String(CLEARING_MS)])) !== 1) return;
    await this.#events.gone(node);
    if ((await this.judge(FORGET, [lease, claim, nodes, mailbox], [node])) === 1) this.#events.cleared(node);
  }

  #report(error: unknown): void {
    // Having to wait is no fault.
    const isPassing = error instanceof GatewayError && error.code === "cluster_unavailable";
    if (!isPassing && this.#link.isUp && !this.#isClosed) this.#events.fault(error);
  }
}
