import { GatewayError } from "../../core/kernel/errors.ts";
import { CLAIM, FORGET, IS_DEAD, JUDGED, LEAVE, type OwnKeys, RENEW } from "./lease-scripts.ts";
import type { Names } from "./names.ts";
import type { RedisLink, Reply } from "./redis-link.ts";
import type { Script } from "./script.ts";

/** How long a node that says nothing counts as alive, in milliseconds. */
export const LEASE_MS = 6_000;
const RENEW_MS = 2_000;
/**
 * How long one renewal vouches for it that leases lapse for no other reason than their nodes' ends: longer than until the next
 * one, and a second and a half, in which nodes connect again, shorter than the lease of a living node lasts when an outage begins
 * (at least a lease less the time between renewals).
 */
const CALM_MS = 2_500;
/** How often it is looked who is dead, in milliseconds. */
const LOOK_MS = 1_000;
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
  /** When the renewal was asked for that was confirmed last. */
  #renewedAt = performance.now();
  /** Redis was out of reach since the last renewal: others' leases may have lapsed because they could not renew them. */
  #isInDoubt = false;
  #nodeCount = 1;
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

  /** How many nodes there are, this one and those not yet cleared away included, as of the last renewal. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** Takes the lease and renews it from now on. Rejects with `cluster_unavailable`. */
  async open(): Promise<void> {
    await this.#renew();
    this.#timer = setInterval(() => void this.renew(), RENEW_MS).unref();
  }

  /**
   * Clears dead nodes away from now on, until disposed: while all that must hear of one (`gone`) is there, because none of them
   * is told a second time.
   */
  watch(): Disposable {
    this.#looks ??= setInterval(() => this.#look(), LOOK_MS).unref();
    return { [Symbol.dispose]: () => this.#unwatch() };
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
    this.#look();
  }

  /** Redis is out of reach: when it is back, each node needs a moment to renew its lease before one that is missing means anything. */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /**
   * Whether a node is alive. All count as alive until this node has held its own lease for the length of a lease without an
   * outage, or a node that had vouches for it. Rejects with `cluster_unavailable`.
   */
  async isAlive(node: string): Promise<boolean> {
    return (await this.judge(IS_DEAD, [this.#names.lease(node)], [])) !== 1;
  }

  /** All other nodes that live; undefined while that is not to be known. Rejects with `cluster_unavailable`. */
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

  /** Gives the lease back: the node has left in good order. Never rejects, and takes half a second at most. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#unwatch();
    const keys = [...this.#ownKeys, this.#names.nodes, this.#names.mailbox(this.node)];
    const leaving = this.#link.run(LEAVE, keys, [this.node]).catch(() => {});
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, LEAVE_MS);
    await Promise.race([leaving, late.promise]);
    clearTimeout(timer);
  }

  get #ownKeys(): OwnKeys {
    return [this.#names.epoch, this.#names.lease(this.node), this.#names.newLease(this.node)];
  }

  async #renew(): Promise<void> {
    const askedAt = performance.now();
    const isInDoubt = this.#isInDoubt;
    this.#isInDoubt = false;
    const told = [this.node, crypto.randomUUID(), String(LEASE_MS), this.#about];
    const args = [...told, this.#epoch ?? "", isInDoubt ? "1" : "0", String(CALM_MS)];
    const renewing = this.#link.run(RENEW, [...this.#ownKeys, this.#names.nodes, this.#names.calm], args);
    const reply = await renewing.catch((error: unknown) => {
      this.#isInDoubt ||= isInDoubt;
      throw error;
    });
    const [epoch, was, nodes] = reply as [string, number, number];
    if (this.#isClosed) return;
    const before = this.#epoch;
    this.#epoch = epoch;
    // Redis counts from when it ran the script, which is later than this.
    this.#renewedAt = askedAt;
    this.#nodeCount = nodes;
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

  /** Beside the renewals, which must not wait for it. */
  #look(): void {
    if (this.#looks === undefined) return;
    this.#clearing ??= this.#clear()
      .catch((error: unknown) => this.#tell(error))
      .finally(() => {
        this.#clearing = undefined;
      });
  }

  /** Clears the dead away, one after the other. */
  async #clear(): Promise<void> {
    const judged = await this.#judged();
    for (const node of judged?.dead ?? []) {
      if (this.#looks === undefined) return;
      // One that cannot be cleared away does not keep the others.
      await this.#clearOf(node).catch((error: unknown) => this.#tell(error));
    }
  }

  async #clearOf(node: string): Promise<void> {
    const { nodes } = this.#names;
    const [claim, lease, mailbox] = [this.#names.clearing(node), this.#names.lease(node), this.#names.mailbox(node)];
    if ((await this.judge(CLAIM, [lease, claim], [this.node, String(CLEARING_MS)])) !== 1) return;
    await this.#events.gone(node);
    if ((await this.judge(FORGET, [lease, claim, nodes, mailbox], [node])) === 1) this.#events.cleared(node);
  }

  #tell(error: unknown): void {
    // That something must wait is no fault.
    const isPassing = error instanceof GatewayError && error.code === "cluster_unavailable";
    if (!isPassing && this.#link.isUp && !this.#isClosed) this.#events.fault(error);
  }
}
