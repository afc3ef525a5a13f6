import type { JsonObject } from "../../core/kernel/json.ts";
import { FaultOnce } from "../link/fault-once.ts";
import { leaveInTime } from "../link/leave-in-time.ts";
import type { Member } from "../link/member.ts";
import { LEAVE, type Leader, LOOK, type Look, readLook, TAKE } from "./leader.ts";

/** How often a node looks who leads, in milliseconds. */
const LOOK_MS = 1_000;
/** How long after the end of the leader's lease a node looks whether it may lead, in milliseconds. */
const AFTER_LEASE_MS = 5;

/** What a node hears of the lead. Must not throw. */
export interface LeadershipEvents {
  /** Another node leads, or this one, or none. Called once a change. */
  changed(leader: Leader | undefined): void;
  /** This node's lead had lapsed, but no other has taken it meanwhile: it goes on. */
  regained(): void;
  fault(error: unknown): void;
}

/** What the lead needs of the node. */
export interface LeadershipMember extends Pick<Member, "node" | "names" | "on"> {
  readonly link: Pick<Member["link"], "run" | "isUp">;
  readonly lease: Pick<Member["lease"], "isAlive" | "renew">;
  readonly wakes: Pick<Member["wakes"], "on">;
}

/** What is led, and by whom it may be. */
export interface LeadershipParts {
  readonly cluster: LeadershipMember;
  /** Names what is led. */
  readonly what: string;
  /** What others learn of this node while it leads. */
  readonly about: JsonObject;
  /** Whether this node would lead: not one that is about to stop. */
  readonly isWilling: () => boolean;
}

/**
 * The one node of a cluster that does what only one may do. It leads until it leaves, or until its lease lapses and another
 * has taken the lead. While Redis is away, all nodes keep the leader that they know, as they do after Redis has lost its data.
 */
export class Leadership implements AsyncDisposable {
  readonly #parts: LeadershipParts;
  readonly #key: string;
  readonly #own: Leader;
  readonly #events: LeadershipEvents;
  readonly #faults: FaultOnce;
  #leader: Leader | undefined;
  /** Until when no other can have taken the lead from this node, as `performance.now()` counts. */
  #heldUntil = 0;
  #wake: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isLeaving = false;

  constructor(parts: LeadershipParts, events: LeadershipEvents) {
    const { cluster, what, about } = parts;
    this.#parts = parts;
    this.#key = cluster.names.of("leader", what);
    this.#own = { node: cluster.node, about };
    this.#events = events;
    this.#faults = new FaultOnce((error) => events.fault(error));
    // The node's own lease is renewed first.
    cluster.on({ state: (isUp) => void (isUp && this.look()) });
  }

  /** The node that leads, as far as this one knows. */
  get leader(): Leader | undefined {
    return this.#leader;
  }

  /** Whether this node leads, or led until its lease lapsed and has not heard since of another that leads. */
  get isHere(): boolean {
    return this.#leader?.node === this.#own.node;
  }

  /** Whether this node certainly leads now, and no other. */
  get isHeld(): boolean {
    return this.isHere && performance.now() < this.#heldUntil;
  }

  /** Follows who leads from now on, and takes the lead when nobody has it. Rejects with `cluster_unavailable`. */
  async open(): Promise<void> {
    this.#wake = this.#parts.cluster.wakes.on(this.#key, () => void this.look());
    // A look that begins meanwhile waits: of two at once, the later would undo what the first took.
    const opening = this.#ask();
    this.#looking = opening.then(
      () => {},
      () => {},
    );
    this.#lookIn(await opening);
  }

  /** Looks now. Never rejects. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      if (this.#isLeaving || this.#wake === undefined) return;
      clearTimeout(this.#timer);
      try {
        this.#lookIn(await this.#ask());
        this.#faults.works();
      } catch (error) {
        this.#lookIn(LOOK_MS);
        // The link reports that Redis is away.
        if (this.#parts.cluster.link.isUp) this.#faults.failed(error);
      }
    });
    return this.#looking;
  }

  /** Gives the lead up, for another node to take at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isLeaving = true;
    clearTimeout(this.#timer);
    this.#wake?.[Symbol.dispose]();
    const own = JSON.stringify(this.#own);
    const leave = async () => {
      await this.#looking;
      // Whether or not this node has heard that it leads: the script knows.
      await this.#parts.cluster.link.run(LEAVE, [this.#key], [own]);
    };
    await leaveInTime(leave());
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isLeaving) this.#timer = setTimeout(() => void this.look(), ms).unref();
  }

  /** Resolves with when to look again, in milliseconds. */
  async #ask(): Promise<number> {
    let [askedAt, look] = await this.#found();
    if (look.ownLeaseMs <= 0) {
      // Redis lost its data, or the lease: who leads cannot be judged before this node is a member again.
      await this.#parts.cluster.lease.renew();
      [askedAt, look] = await this.#found();
    }
    const { leader, isLost, ownLeaseMs, leaderLeaseMs } = look;
    const isAnothers = !isLost && leader?.node !== this.#own.node;
    // Also when that one is gone, and this node takes the lead again.
    if (isAnothers && this.isHere && !this.#isLeaving) this.#become(leader);
    const isOurs = leader?.node === this.#own.node || (await this.#take(look));
    if (this.#isLeaving) return LOOK_MS;
    if (isOurs) this.#lead(askedAt + ownLeaseMs);
    // After a loss of data, whoever led claims the lead again.
    else if (isAnothers) this.#become(leader);
    return isOurs || leaderLeaseMs <= 0 ? LOOK_MS : Math.min(leaderLeaseMs + AFTER_LEASE_MS, LOOK_MS);
  }

  async #found(): Promise<[number, Look]> {
    const { link, names, node } = this.#parts.cluster;
    const askedAt = performance.now();
    return [askedAt, readLook(await link.run(LOOK, [this.#key, names.lease(node)], [names.lease("")]))];
  }

  /** Takes the lead, unless a node has it that may be alive. */
  async #take({ held, leader, isLost, ownLeaseMs, leaderLeaseMs }: Look): Promise<boolean> {
    const { cluster, isWilling } = this.#parts;
    if (ownLeaseMs <= 0 || leaderLeaseMs > 0 || this.#isLeaving || !isWilling()) return false;
    const last = isLost ? this.#leader : leader;
    if (last && last.node !== this.#own.node && (await cluster.lease.isAlive(last.node))) return false;
    const { names, node, link } = cluster;
    const keys = [this.#key, names.lease(node), names.lease(last && last.node !== node ? last.node : "")];
    return (await link.run(TAKE, keys, [held, JSON.stringify(this.#own)])) === 1;
  }

  #lead(until: number): void {
    const isRegained = this.isHere && !this.isHeld;
    this.#heldUntil = until;
    this.#become(this.#own);
    if (isRegained && this.isHeld) this.#events.regained();
  }

  #become(leader: Leader | undefined): void {
    if (leader?.node === this.#leader?.node) return;
    this.#leader = leader;
    this.#events.changed(leader);
  }
}
