import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Caps } from "../../../src/core/caller/caller.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { Account } from "../../../src/core/quota/account.ts";
import type { CapReservation } from "../../../src/core/quota/cap-reservation.ts";
import { estimateTokens } from "../../../src/core/usage/usage.ts";

const START = Date.parse("2026-11-29T22:00:00Z");
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What may happen, to whichever of the running streams `at` falls on. */
type Step =
  | { readonly do: "open"; readonly prompt: number; readonly output: number | undefined }
  | { readonly do: "event"; readonly at: number; readonly characters: number }
  | { readonly do: "count"; readonly at: number; readonly input: number; readonly output: number }
  | { readonly do: "end"; readonly at: number; readonly less: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "jump"; readonly ms: number };

const at = fc.nat();
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant("open" as const),
      prompt: fc.integer({ min: 1, max: 400 }),
      output: fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: undefined }),
    }),
    weight: 6,
  },
  {
    arbitrary: fc.record({ do: fc.constant("event" as const), at, characters: fc.integer({ min: 1, max: 2_000 }) }),
    weight: 20,
  },
  {
    arbitrary: fc.record({ do: fc.constant("count" as const), at, input: fc.nat(600), output: fc.nat(1_000) }),
    weight: 2,
  },
  { arbitrary: fc.record({ do: fc.constant("end" as const), at, less: fc.nat(300) }), weight: 3 },
  { arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(2 * HOUR_MS) }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant("jump" as const), ms: fc.constantFrom(-HOUR_MS, HOUR_MS) }), weight: 1 },
);

interface Running {
  readonly capReservation: CapReservation;
  readonly prompt: number;
  characters: number;
  counts: { inputTokens?: number; outputTokens?: number };
  /** As counted here. */
  spent: number;
  /** Of that, in the day that runs. */
  today: number;
  cut: boolean;
}

/** Streams of one key as their relays would treat them, and what they spent, added up in another way. */
class World {
  readonly account = new Account(START);
  readonly running: Running[] = [];
  readonly caps: Caps;
  /** Steps by which a sum rose at once; none may take the cap further beyond itself than the largest. */
  largest = 0;
  /** Of streams that are over. */
  #endedToday = 0;
  #day = Math.floor(START / DAY_MS);
  #now = START;
  #jumped = 0;

  constructor(caps: Caps) {
    this.caps = caps;
  }

  get wall(): number {
    return this.#now + this.#jumped;
  }

  get spentToday(): number {
    return this.#endedToday + this.running.reduce((sum, { today }) => sum + today, 0);
  }

  take(step: Step): void {
    if (step.do === "pass") this.#now += step.ms;
    else if (step.do === "jump") this.#jumped = this.#jumped === 0 ? step.ms : 0;
    else if (step.do === "open") this.#open(step.prompt, step.output);
    else {
      const stream = this.running[step.at % Math.max(1, this.running.length)];
      if (!stream) return;
      this.#midnight();
      if (step.do === "end") this.#end(stream, Math.max(0, stream.spent - step.less));
      else this.#hear(stream, step);
    }
    this.#reap();
  }

  /** Account and model look at the clock, as they do before everything that counts. */
  look(): void {
    this.account.advance(this.wall);
    this.#midnight();
  }

  endAll(): void {
    for (const stream of [...this.running]) this.#end(stream, stream.spent);
  }

  #open(promptTokens: number, outputTokens: number | undefined): void {
    this.#midnight();
    try {
      const stream: Running = {
        capReservation: this.account.open(
          {
            promptTokens,
            outputTokens,
            price: PRICE,
            cut: () => {
              stream.cut = true;
            },
          },
          "ci",
          this.caps,
          this.wall,
        ),
        prompt: promptTokens,
        characters: 0,
        counts: {},
        spent: 0,
        today: 0,
        cut: false,
      };
      this.running.push(stream);
    } catch (error) {
      expect(error).toBeInstanceOf(GatewayError);
    }
  }

  #hear(stream: Running, step: Extract<Step, { readonly do: "event" | "count" }>): void {
    if (step.do === "event") stream.characters += step.characters;
    else {
      // A provider's counts only grow, and it counts what it wrote.
      const { inputTokens = 0, outputTokens = 0 } = stream.counts;
      const output = Math.max(outputTokens, step.output, estimateTokens(stream.characters));
      stream.counts = { inputTokens: Math.max(inputTokens, step.input), outputTokens: output };
    }
    const before = stream.capReservation.counted.tokens;
    const error = stream.capReservation.meter(stream.counts, stream.characters, this.wall);
    this.#spend(stream, stream.capReservation.counted.tokens - before);
    if (error) stream.cut = true;
  }

  #spend(stream: Running, more: number): void {
    this.largest = Math.max(this.largest, more);
    stream.spent += more;
    stream.today = Math.max(0, stream.today + more);
  }

  /** Cut streams are over at once, with what was seen of them. */
  #reap(): void {
    for (const stream of this.running.filter(({ cut }) => cut)) this.#end(stream, stream.spent);
  }

  #end(stream: Running, tokens: number): void {
    this.running.splice(this.running.indexOf(stream), 1);
    stream.capReservation.settle(tokens, tokens * 1_000, this.wall);
    this.#spend(stream, tokens - stream.spent);
    stream.capReservation.release();
    stream.capReservation.release();
    this.#endedToday += stream.today;
  }

  /** Days only go forward, whatever the clock says. */
  #midnight(): void {
    const day = Math.floor(this.wall / DAY_MS);
    if (day <= this.#day) return;
    this.#day = day;
    this.#endedToday = 0;
    for (const stream of this.running) stream.today = 0;
  }
}

/** A token costs a millionth, in and out: so a cap on cost is one on tokens, kept by the other half of the account. */
const PRICE = { input: 1, output: 1 };

const inTokens = ({ tokensPerDay, costPerDay = 0 }: Caps): number => tokensPerDay ?? Math.round(costPerDay * 1_000_000);

const tokens = fc.integer({ min: 1, max: 20_000 });
const spending: fc.Arbitrary<Caps> = fc.oneof(
  fc.record({ tokensPerDay: tokens }),
  fc.record({ costPerDay: tokens.map((count) => count / 1_000_000) }),
);
const caps = fc
  .tuple(spending, fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }))
  .map(([cap, concurrentStreams]): Caps => ({ ...cap, concurrentStreams }));

describe("many streams of one key, interleaved in any way", () => {
  test("never exceed a daily cap by more than one event, even if the clock jumps by an hour", () => {
    fc.assert(
      fc.property(caps, fc.array(step, { maxLength: 200, size: "max" }), (limits, steps) => {
        const world = new World(limits);
        for (const each of steps) {
          world.take(each);
          expect(world.spentToday).toBeLessThanOrEqual(inTokens(limits) + world.largest);
          if (world.spentToday > inTokens(limits)) expect(world.running).toEqual([]);
          expect(world.running.length).toBeLessThanOrEqual(limits.concurrentStreams ?? Number.POSITIVE_INFINITY);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("have released everything once all have ended", () => {
    fc.assert(
      fc.property(caps, fc.array(step, { maxLength: 200, size: "max" }), (limits, steps) => {
        const world = new World(limits);
        for (const each of steps) world.take(each);
        world.endAll();
        expect(world.account.running).toBe(0);
        for (const { held } of world.account.statuses) expect(held).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("count what they used, or more if an old estimate was too high", () => {
    fc.assert(
      fc.property(caps, fc.array(step, { maxLength: 200, size: "max" }), (limits, steps) => {
        const world = new World(limits);
        for (const each of steps) world.take(each);
        world.look();
        const today = world.account.statuses.find(({ cap }) => cap === "tokensPerDay");
        const isSameDay = steps.every(({ do: what }) => what !== "pass" && what !== "jump");
        if (isSameDay) expect(today?.used).toBe(world.spentToday);
        else expect(today?.used).toBeGreaterThanOrEqual(world.spentToday);
      }),
      { numRuns: 200 },
    );
  });
});
