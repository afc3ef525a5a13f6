import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Caller } from "../../../src/core/caller/caller.ts";
import type { Fallback, Model, Route } from "../../../src/core/dialect/routing.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { Plan } from "../../../src/core/targets/target-plan.ts";
import { FAILURES } from "../../../src/core/targets/target-state.ts";
import { Targets } from "../../../src/core/targets/targets.ts";
import { dialects } from "../../../src/dialects/registry.ts";

const COOL_MS = 1_000;
const STREAMS = 3;
const dialect = dialects.get("openai-chat");
if (!dialect) throw new Error("there is no such dialect");

const routeOf = (name: string): Route => ({ name, dialect, key: "sk", headers: {} });
const caller: Caller = { name: "ci" };

function modelOn(count: number, choose: Fallback["choose"]): Model {
  const plain = (index: number): Model => ({
    alias: "smart",
    route: routeOf(`r${index}`),
    upstreamModel: "m",
    name: "smart",
    defaults: {},
    price: undefined,
    contextWindow: undefined,
  });
  const targets = Array.from({ length: count }, (_, index) => ({
    route: plain(index).route,
    model: plain(index),
    weight: index + 1,
    limits: { concurrentStreams: STREAMS },
  }));
  const fallback = { choose, sticky: true, coolDownMs: COOL_MS, firstTokenMs: undefined, targets };
  return { ...plain(0), fallback };
}

/** What is known of a target, in the simplest words. */
interface Known {
  running: number;
  failures: number;
  coolUntil: number | undefined;
  /** No request before it: the target has said so. */
  askedUntil: number;
  trials: number;
}

const UNKNOWN: Known = { running: 0, failures: 0, coolUntil: undefined, askedUntil: 0, trials: 0 };

interface Attempt {
  readonly plan: Plan;
  readonly tried: string[];
  route: string;
  isTrial: boolean;
  hasFailed: boolean;
  isAnswered: boolean;
}

const ASKED_MS = 1_500;
const reset = new GatewayError("upstream_reset");
const limited = new GatewayError("upstream_rate_limited", undefined, { retryAfterMs: ASKED_MS });

describe("the choice of targets", () => {
  test("follows a model of their health, whatever happens", () => {
    const step = fc.record({
      what: fc.constantFrom("open", "answer", "fail", "ask to wait", "end"),
      which: fc.nat(9),
      afterMs: fc.nat(700),
      draw: fc.double({ min: 0, max: 0.999, noNaN: true }),
    });
    const setting = fc.record({
      count: fc.integer({ min: 1, max: 4 }),
      choose: fc.constantFrom("order" as const, "weights" as const, "least_busy" as const),
    });
    fc.assert(
      fc.property(setting, fc.array(step, { maxLength: 80 }), ({ count, choose }, steps) => {
        let now = 0;
        let draw = 0;
        const targets = new Targets(
          () => now,
          () => draw,
        );
        const model = modelOn(count, choose);
        const known = new Map(Array.from({ length: count }, (_, index) => [`r${index}`, { ...UNKNOWN }]));
        const of = (route: string): Known => known.get(route) ?? { ...UNKNOWN };
        const running: Attempt[] = [];

        /** What a request may be sent to now, of those it has not tried. */
        const may = (tried: readonly string[]): { ready: string[]; cooling: string[] } => {
          const left = [...known].filter(([name, one]) => !tried.includes(name) && one.running < STREAMS);
          const ready = left.filter(
            ([, one]) => one.coolUntil === undefined || (one.coolUntil <= now && one.trials === 0),
          );
          const cooling = left.filter((one) => !ready.includes(one) && one[1].askedUntil <= now);
          return { ready: ready.map(([name]) => name), cooling: cooling.map(([name]) => name) };
        };
        const begins = (attempt: Attempt, route: string): void => {
          const { ready, cooling } = may(attempt.tried);
          expect(ready.length > 0 ? ready : cooling).toContain(route);
          if (choose === "order" && ready.length > 0) expect(route).toBe([...ready].sort()[0]);
          attempt.tried.push(route);
          attempt.route = route;
          attempt.isTrial = of(route).coolUntil !== undefined;
          attempt.hasFailed = false;
          of(route).running++;
          if (attempt.isTrial) of(route).trials++;
        };
        const leaves = (attempt: Attempt): void => {
          of(attempt.route).running--;
          if (attempt.isTrial) of(attempt.route).trials--;
          attempt.isTrial = false;
        };

        for (const { what, which, afterMs, draw: drawn } of steps) {
          now += afterMs;
          draw = drawn;
          const attempt = running[which % Math.max(1, running.length)];
          if (what === "open") {
            const plan = targets.plan({
              target: { route: model.route, model },
              caller,
              isOwnKey: false,
              isOfAnyDialect: false,
              conversation: undefined,
              promptTokens: 0,
            });
            if (!plan) throw new Error("a model with targets has a plan");
            const fresh: Attempt = {
              ...{ plan, tried: [], route: "", isTrial: false },
              ...{ hasFailed: false, isAnswered: false },
            };
            const { ready, cooling } = may([]);
            if (ready.length + cooling.length === 0) {
              expect(() => plan.next()).toThrow(
                expect.objectContaining({ code: expect.stringMatching(/rate_limited$/) }),
              );
              continue;
            }
            begins(fresh, plan.next()?.route.name ?? "none");
            running.push(fresh);
          } else if (attempt && what === "answer") {
            attempt.plan.answered();
            attempt.isAnswered = true;
            Object.assign(of(attempt.route), { failures: 0, coolUntil: undefined, askedUntil: 0 });
            if (attempt.isTrial) of(attempt.route).trials--;
            attempt.isTrial = false;
            expect(attempt.plan.hasNext).toBe(false);
          } else if (attempt && (what === "fail" || what === "ask to wait") && attempt.plan.hasNext) {
            attempt.plan.failed(what === "fail" ? reset : limited);
            const one = of(attempt.route);
            if (!attempt.hasFailed) one.failures++;
            if (what === "ask to wait") {
              one.coolUntil = Math.max(one.coolUntil ?? 0, now + ASKED_MS);
              one.askedUntil = now + ASKED_MS;
            } else if (!attempt.hasFailed && one.failures >= FAILURES)
              one.coolUntil = Math.max(one.coolUntil ?? 0, now + COOL_MS);
            attempt.hasFailed = true;
            if (attempt.isTrial) one.trials--;
            attempt.isTrial = false;
            const { ready, cooling } = may(attempt.tried);
            const next = attempt.plan.next()?.route.name;
            if (ready.length + cooling.length === 0) expect(next).toBeUndefined();
            else {
              leaves(attempt);
              begins(attempt, next ?? "none");
            }
          } else if (attempt && what === "end") {
            attempt.plan.end();
            leaves(attempt);
            running.splice(running.indexOf(attempt), 1);
          }
          for (const { plan, tried, isAnswered } of running) {
            const { ready, cooling } = may(tried);
            expect(plan.hasNext).toBe(!isAnswered && ready.length + cooling.length > 0);
          }
          for (const [name, one] of known) {
            const target = model.fallback?.targets.find(({ route }) => route.name === name);
            expect((target && targets.stateOf(target, target.limits)?.running) ?? 0).toBe(one.running);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
