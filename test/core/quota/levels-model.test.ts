import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Caps } from "../../../src/core/caller/caller.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { Account, openIn } from "../../../src/core/quota/account.ts";
import type { CapReservation } from "../../../src/core/quota/cap-reservation.ts";
import { type Level, levelsOf } from "../../../src/core/quota/payer.ts";
import { callerOf } from "../../support/relay/reserving-relay.ts";

const WALL = Date.parse("2026-11-29T12:00:00Z");
/** A token costs a millionth, so a cap on cost is one on tokens. */
const PRICE = { input: 1, output: 1 };
const KEYS = [
  { keyId: "a", team: "red" },
  { keyId: "b", team: "red" },
  { keyId: "c", team: "blue" },
  { keyId: "d", team: undefined },
] as const;

const amount = fc.integer({ min: 1, max: 20_000 });
const caps: fc.Arbitrary<Caps> = fc.record(
  {
    tokensPerDay: amount,
    costPerMonth: amount.map((tokens) => tokens / 1_000_000),
    concurrentStreams: fc.integer({ min: 1, max: 12 }),
  },
  { requiredKeys: [] },
);
/** The caps of each account. */
const everyCap = fc.record({ a: caps, b: caps, c: caps, d: caps, red: caps, blue: caps, all: caps });
type EveryCap = typeof everyCap extends fc.Arbitrary<infer Value> ? Value : never;

const at = fc.nat();
const step = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant("open" as const),
      key: fc.nat(KEYS.length - 1),
      prompt: fc.integer({ min: 1, max: 400 }),
      output: fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: undefined }),
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({ do: fc.constant("event" as const), at, tokens: fc.integer({ min: 1, max: 500 }) }),
    weight: 15,
  },
  { arbitrary: fc.record({ do: fc.constant("end" as const), at }), weight: 3 },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

interface Running {
  readonly reservation: CapReservation;
  readonly accounts: readonly string[];
  characters: number;
  spent: number;
  cut: GatewayError | undefined;
}

/** Streams of several keys, and what was spent in each account, added up from the streams. */
class World {
  readonly accounts = new Map<string, Account>();
  readonly running = new Set<Running>();
  readonly spent = new Map<string, number>();
  readonly #caps: EveryCap;
  /** Each cap that was passed, and each wrong refusal. */
  readonly over: string[] = [];
  largest = 0;

  constructor(every: EveryCap) {
    this.#caps = every;
  }

  levels(key: number): readonly Level[] {
    const { keyId, team } = KEYS[key] ?? KEYS[0];
    const grant = { keyId, ...(team && { team: { name: team, caps: this.#caps[team] } }) };
    return levelsOf({ ...callerOf(this.#caps[keyId], grant), name: `caller-${keyId}` }, this.#caps.all);
  }

  take(step: Step): void {
    if (step.do === "open") this.#open(step);
    else {
      const stream = [...this.running][step.at % Math.max(1, this.running.size)];
      if (stream && step.do === "end") this.end(stream);
      else if (stream && step.do === "event") this.#hear(stream, step.tokens);
    }
  }

  #hear(stream: Running, tokens: number): void {
    stream.characters += 4 * tokens;
    const error = stream.reservation.meter({}, stream.characters, WALL);
    this.#count(stream);
    stream.cut ??= error;
    for (const each of [...this.running]) if (each.cut) this.end(each);
  }

  /** Looks at every cap. */
  look(): void {
    for (const [name, { running }] of this.accounts) {
      const { concurrentStreams = Number.POSITIVE_INFINITY, ...caps } = this.#capsOf(name);
      if (running > concurrentStreams) this.over.push(`${name}: ${running} of ${concurrentStreams} streams`);
      const spent = this.spent.get(name) ?? 0;
      if (spent > mostOf(caps) + this.largest) this.over.push(`${name}: ${spent} of ${mostOf(caps)} tokens`);
    }
  }

  end(stream: Running): void {
    this.running.delete(stream);
    stream.reservation.settle(stream.spent, stream.spent * 1_000, WALL);
    stream.reservation.release();
  }

  #open({ key, prompt, output }: Step & { readonly do: "open" }): void {
    const levels = this.levels(key);
    const accounts = levels.map((level) => ({ account: this.#account(level.account), level }));
    const before = this.#held();
    const ask = {
      promptTokens: prompt,
      outputTokens: output,
      price: PRICE,
      cut: (error: GatewayError) => {
        stream.cut ??= error;
      },
    };
    const names = levels.map(({ account }) => account);
    let stream: Running;
    try {
      const reservation = openIn(accounts, ask, WALL);
      stream = { reservation, accounts: names, characters: 0, spent: 0, cut: undefined };
    } catch (error) {
      this.#checkRefusal(error, levels, this.#held() === before);
      return;
    }
    this.running.add(stream);
  }

  /** A refusal is of one of these levels, names no other key, and leaves nothing held. */
  #checkRefusal(error: unknown, levels: readonly Level[], isSame: boolean): void {
    if (!(error instanceof GatewayError)) throw error;
    const caller = levels[0]?.payer.caller;
    const said = error.message + JSON.stringify(error.details);
    const isOther = KEYS.some(({ keyId }) => `caller-${keyId}` !== caller && said.includes(`caller-${keyId}`));
    if (!isSame || isOther || error.details?.caller !== caller) this.over.push(said);
  }

  #count(stream: Running): void {
    const more = stream.reservation.counted.tokens - stream.spent;
    stream.spent += more;
    this.largest = Math.max(this.largest, more);
    for (const name of stream.accounts) this.spent.set(name, (this.spent.get(name) ?? 0) + more);
  }

  #held(): string {
    const all = [...this.accounts.values()].map(({ running, statuses }) => [running, statuses.map(({ held }) => held)]);
    return JSON.stringify(all);
  }

  #account(name: string): Account {
    const known = this.accounts.get(name) ?? new Account(WALL);
    this.accounts.set(name, known);
    return known;
  }

  #capsOf(account: string): Caps {
    return this.#caps[account.replace(/^\w+:/, "") as keyof EveryCap];
  }
}

const runs = (check: (world: World) => void) =>
  fc.assert(
    fc.property(everyCap, fc.array(step, { maxLength: 150, size: "max" }), (every, steps) => {
      const world = new World(every);
      for (const one of steps) {
        world.take(one);
        world.look();
      }
      check(world);
    }),
    { numRuns: 200 },
  );

const mostOf = ({ tokensPerDay, costPerMonth }: Caps): number =>
  Math.min(tokensPerDay ?? Number.POSITIVE_INFINITY, Math.round((costPerMonth ?? 1e9) * 1_000_000));

describe("streams of several keys under the caps of keys, teams and the gateway, interleaved in any way", () => {
  test("never exceed any cap of any of them by more than one event, and are let in by all or held by none", () => {
    runs(({ over }) => expect(over).toEqual([]));
  });

  test("hold nothing in any of them once all have ended, and each has counted its own", () => {
    runs((world) => {
      for (const stream of [...world.running]) world.end(stream);
      for (const [name, { running, statuses }] of world.accounts) {
        expect(running).toBe(0);
        for (const { held } of statuses) expect(held).toBe(0);
        expect(statuses.find(({ cap }) => cap === "tokensPerDay")?.used).toBe(world.spent.get(name) ?? 0);
      }
    });
  });
});

test.each([
  ["its key's cap on cost", { b: { costPerMonth: 0.000017 }, all: { tokensPerDay: 19 } }],
  ["its key's cap on tokens", { b: { tokensPerDay: 17 }, all: { costPerMonth: 0.000019 } }],
  ["another cap of the same account", { b: {}, all: { tokensPerDay: 21, costPerMonth: 0.000019 } }],
] as const)("an event that reaches %s cuts the other streams of an account that it uses up, too", (_, more) => {
  const world = new World({ a: {}, c: {}, d: {}, red: {}, blue: {}, ...more });
  world.take({ do: "open", key: 0, prompt: 1, output: 1 });
  world.take({ do: "open", key: 1, prompt: 1, output: undefined });
  const [first] = world.running;
  world.take({ do: "event", at: 1, tokens: 19 });
  expect(first?.cut?.code).toBe("cap_exceeded");
  expect(world.running.size).toBe(0);
});

test("streams cut by another key's event are told of their own caller and the team, never of the other key", () => {
  const world = new World({ a: {}, b: {}, c: {}, d: {}, red: { tokensPerDay: 400 }, blue: {}, all: {} });
  world.take({ do: "open", key: 0, prompt: 10, output: 100 });
  world.take({ do: "open", key: 1, prompt: 10, output: 100 });
  world.take({ do: "open", key: 2, prompt: 10, output: 100 });
  const [first, second, third] = world.running;
  world.take({ do: "event", at: 0, tokens: 500 });
  expect(first?.cut?.details).toMatchObject({ caller: "caller-a", team: "red", cap: "tokensPerDay" });
  expect(second?.cut?.details).toMatchObject({ caller: "caller-b", team: "red", cap: "tokensPerDay" });
  expect(second?.cut?.message).toContain("team red has used up its tokens per day (400)");
  expect(third?.cut).toBeUndefined();
});
