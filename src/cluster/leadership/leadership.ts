import { asObject, asString, type JsonObject, parseJson } from "../../core/kernel/json.ts";
import type { Member } from "../link/member.ts";
import { LEASE_MS } from "../link/node-lease.ts";
import { Script } from "../link/script.ts";

/** How often a node looks who leads, in milliseconds. */
const LOOK_MS = 1_000;

/** A node that leads, and what it says of itself. */
export interface Leader {
  readonly node: string;
  readonly about: JsonObject;
}

/** What a node learns of the lead. Never throws. */
export interface LeadershipEvents {
  /** Another node leads, or this one (`isHere`), or none. Called once a change. */
  changed(leader: Leader | undefined, isHere: boolean): void;
  fault(error: unknown): void;
}

/** Who leads; takes the lead if nobody alive has it and this node wants it. */
const LOOK = new Script(`
local held = redis.call('GET', KEYS[1])
if held then
  local node = cjson.decode(held).node
  if node ~= ARGV[1] and redis.call('EXISTS', ARGV[2] .. node) == 1 then return held end
  if node ~= ARGV[1] and ARGV[4] == '0' then return false end
elseif ARGV[4] == '0' then
  return false
end
redis.call('SET', KEYS[1], ARGV[3])
return ARGV[3]
`);

/** Gives the lead up if this node has it. */
const LEAVE = new Script(`
local held = redis.call('GET', KEYS[1])
if held and cjson.decode(held).node == ARGV[1] then redis.call('DEL', KEYS[1]) end
`);

/**
 * The one node of a cluster that does what only one may do. It leads until it leaves, or until its lease lapses and another
 * has taken the lead; while Redis is away everybody keeps the leader they know.
 */
export class Leadership implements AsyncDisposable {
  readonly #cluster: Member;
  readonly #key: string;
  readonly #own: Leader;
  readonly #events: LeadershipEvents;
  #leader: Leader | undefined;
  #wake: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isLeaving = false;
  /** Redis lost its data: whoever led may say so again first. */
  #waitUntil = 0;

  /** `what`: names what is led. `about`: what others learn of this node while it leads. */
  constructor(cluster: Member, what: string, about: JsonObject, events: LeadershipEvents) {
    this.#cluster = cluster;
    this.#key = cluster.names.of("leader", what);
    this.#own = { node: cluster.node, about };
    this.#events = events;
    cluster.on({
      dataLost: () => {
        if (!this.isHere) this.#waitUntil = performance.now() + LEASE_MS;
      },
    });
  }

  /** The node that leads, as far as this one knows. */
  get leader(): Leader | undefined {
    return this.#leader;
  }

  /** Whether this node leads. */
  get isHere(): boolean {
    return this.#leader?.node === this.#own.node;
  }

  /** Looks who leads, from now on; takes the lead when there is none. Rejects with `cluster_unavailable`. */
  async open(): Promise<void> {
    this.#wake = this.#cluster.wakes.on(this.#key, () => void this.look());
    await this.#ask();
    const tick = () => {
      this.#timer = setTimeout(() => void this.look().then(tick), LOOK_MS);
      this.#timer.unref();
    };
    tick();
  }

  /** Looks now. */
  look(): Promise<void> {
    this.#looking = this.#looking
      .then(() => this.#ask())
      .catch((error: unknown) => {
        // That Redis is away is the link's to tell.
        if (this.#cluster.link.isUp) this.#events.fault(error);
      });
    return this.#looking;
  }

  /** Gives the lead up, for another node to take at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isLeaving = true;
    clearTimeout(this.#timer);
    this.#wake?.[Symbol.dispose]();
    await this.#looking;
    if (!this.isHere) return;
    try {
      await this.#cluster.link.run(LEAVE, [this.#key], [this.#own.node]);
      await this.#cluster.link.command(["PUBLISH", this.#key, ""]);
    } catch {
      // The lease runs out.
    }
  }

  async #ask(): Promise<void> {
    if (this.#isLeaving) return;
    const mayTake = performance.now() >= this.#waitUntil ? "1" : "0";
    const lease = this.#cluster.names.lease("");
    const held = await this.#cluster.link.run(
      LOOK,
      [this.#key],
      [this.#own.node, lease, JSON.stringify(this.#own), mayTake],
    );
    const leader = typeof held === "string" ? leaderOf(held) : undefined;
    if (leader?.node === this.#leader?.node || this.#isLeaving) return;
    this.#leader = leader;
    this.#events.changed(leader, this.isHere);
  }
}

function leaderOf(text: string): Leader | undefined {
  const { node, about } = asObject(parseJson(text)) ?? {};
  const name = asString(node);
  return name === undefined ? undefined : { node: name, about: asObject(about) ?? {} };
}
