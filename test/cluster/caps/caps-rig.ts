import type { Spent } from "../../../src/cluster/caps/money.ts";
import type { SharedClock } from "../../../src/cluster/caps/redis-clock.ts";
import { SharedCaps } from "../../../src/cluster/caps/shared-caps.ts";
import { Names } from "../../../src/cluster/link/names.ts";
import { RedisLink } from "../../../src/cluster/link/redis-link.ts";
import type { Caps } from "../../../src/core/caller/caller.ts";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { Spent as LedgerSpent } from "../../../src/core/ledger/ledger.ts";
import { CapReservation } from "../../../src/core/quota/cap-reservation.ts";
import type { Ask } from "../../../src/core/quota/decision.ts";
import { costCapIn, type Level } from "../../../src/core/quota/payer.ts";
import { Tariff } from "../../../src/core/usage/cost.ts";
import type { TestRedis } from "../../support/stores/redis.ts";

export const NOON = Date.parse("2026-11-22T12:00:00Z");

/** The level of a key. */
export const keyLevel = (caps: Caps, name = "ci"): Level => ({
  account: `key:${name}`,
  payer: { kind: "key", name, caller: name },
  caps,
});

/** What nodes of one cluster share beside Redis, and set by a test. */
export class World {
  readonly names = new Names(`t${crypto.randomUUID().slice(0, 8)}`);
  readonly redis: TestRedis;
  wall = NOON;
  /** What the ledger knows. */
  spent: readonly LedgerSpent[] = [];
  readonly left: (readonly string[])[] = [];
  /** The same, without some streams. */
  ledger: (except: readonly string[]) => readonly LedgerSpent[] = () => this.spent;
  /** What is known elsewhere of dead nodes' streams. */
  readonly known = new Map<string, Spent>();
  /** What nodes have counted for their metrics. */
  readonly counted = new Map<string, number>();
  readonly nodes = new Set<string>();
  /** The same for all nodes, whatever Redis says. */
  readonly clock: SharedClock = { now: () => performance.now(), wall: () => this.wall, heard() {} };

  constructor(redis: TestRedis) {
    this.redis = redis;
  }

  /** Joins a node. */
  async node(name: string, clock: SharedClock = this.clock): Promise<Node> {
    const faults: unknown[] = [];
    const returned = { count: 0 };
    let caps: SharedCaps | undefined;
    const link = new RedisLink(
      { url: this.redis.url, caFile: undefined },
      {
        state(isUp) {
          if (!isUp) return;
          returned.count++;
          caps?.returned();
        },
      },
    );
    await link.open();
    this.nodes.add(name);
    caps = new SharedCaps({
      node: name,
      link,
      names: this.names,
      clock,
      ledger: {
        available: true,
        spentSince: async (_, except = []) => {
          this.left.push(except);
          return this.ledger(except);
        },
      },
      living: async () => [...this.nodes],
      isAlive: async (node) => this.nodes.has(node),
      spentBy: async () => this.known,
      fault: (error) => faults.push(error),
      count: (what) => this.counted.set(what, (this.counted.get(what) ?? 0) + 1),
      stateMs: 0,
    });
    await caps.start();
    return new Node(this, name, link, caps, faults, returned);
  }
}

/** One node. */
export class Node implements AsyncDisposable {
  readonly name: string;
  readonly link: RedisLink;
  readonly caps: SharedCaps;
  readonly faults: unknown[];
  readonly #world: World;
  #streams = 0;

  /** How often its connection has come up. */
  readonly returned: { readonly count: number };

  constructor(
    world: World,
    name: string,
    link: RedisLink,
    caps: SharedCaps,
    faults: unknown[],
    returned: { readonly count: number },
  ) {
    this.returned = returned;
    this.#world = world;
    this.name = name;
    this.link = link;
    this.caps = caps;
    this.faults = faults;
  }

  /** Opens a stream; resolves with its reservation, or rejects with the refusal. */
  async open(levels: readonly Level[], ask: Partial<Ask> = {}): Promise<CapReservation & { readonly stream: string }> {
    const stream = `s_${this.name}-${++this.#streams}`;
    const whole = { promptTokens: 10, outputTokens: 100, price: undefined, cut() {}, ...ask };
    const hold = this.caps.open(stream, levels, whole);
    const tariff = whole.price && costCapIn(levels) ? new Tariff(whole.price) : undefined;
    await hold.decided;
    return Object.assign(new CapReservation(hold, whole.promptTokens, tariff), { stream });
  }

  /** What Redis has of an account. */
  async account(name: string): Promise<Record<string, number>> {
    const key = this.#world.names.of("{money}", "account", name);
    const fields = ["run", "ht", "hn", "t1", "t2", "t3", "n2", "n3", "q1"];
    const values = (await this.link.command(["HMGET", key, ...fields])) as string[];
    return Object.fromEntries(fields.map((field, index) => [field, Number(values[index])]));
  }

  /** Resolves once an account is as wanted. */
  async until(name: string, wanted: Record<string, number>): Promise<void> {
    let found: Record<string, number> = {};
    const isAsWanted = async () => {
      found = await this.account(name).catch(() => ({}));
      return Object.entries(wanted).every(([field, value]) => found[field] === value);
    };
    await this.#look(isAsWanted, () => `${name} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  }

  /** Resolves once Redis does not answer. */
  away(): Promise<void> {
    return this.#look(
      async () => !this.link.isUp,
      () => "Redis is not away",
    );
  }

  /** Resolves once Redis has answered again after its connection was cut by `cut`. */
  cutBy(cut: () => Promise<unknown>): Promise<void> {
    const before = this.returned.count;
    return cut().then(() =>
      this.#look(
        async () => this.returned.count > before,
        () => "Redis does not come back",
      ),
    );
  }

  /** Resolves once streams under caps can be opened. */
  ready(): Promise<void> {
    return this.#look(
      async () => this.caps.isReady,
      () => "the counters are not ready",
    );
  }

  /** Resolves once it knows of this many nodes. */
  seen(nodes: number): Promise<void> {
    return this.#look(
      async () => this.caps.nodes === nodes,
      () => `it knows of ${this.caps.nodes} nodes, not ${nodes}`,
    );
  }

  /** Resolves once nothing waits to be settled. */
  settledAgain(): Promise<void> {
    return this.#look(
      async () => this.caps.waiting === 0,
      () => "settlements wait",
    );
  }

  /** Looks again and again, for up to half a minute. */
  async #look(isSo: () => Promise<boolean>, otherwise: () => string): Promise<void> {
    for (let look = 0; look < 3_000; look++) {
      if (await isSo()) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(otherwise());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.caps[Symbol.asyncDispose]();
    this.link.close();
    this.#world.nodes.delete(this.name);
  }
}

/** A stream has ended, and has used this many tokens. */
export function finish(stream: CapReservation, tokens: number): void {
  stream.settle(tokens, undefined, NOON);
  stream.release();
}

/** 600 opens at once, spread over these nodes: the streams that were let in, and the codes of the others. */
export async function openAtOnce(nodes: readonly Node[], levelsOf: (index: number) => readonly Level[]) {
  const opens = Array.from({ length: 600 }, (_, index) => nodes[index % nodes.length]?.open(levelsOf(index)));
  const found = await Promise.allSettled(opens);
  return {
    open: found.flatMap((each) => (each.status === "fulfilled" && each.value ? [each.value] : [])),
    codes: new Set(found.flatMap((each) => (each.status === "rejected" ? [(each.reason as GatewayError).code] : []))),
  };
}

/** The code of a refusal, or `open`. */
export const outcome = (opening: Promise<unknown>): Promise<string> =>
  opening.then(
    () => "open",
    (error: GatewayError) => error.code,
  );
