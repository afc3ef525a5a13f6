import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Caller } from "../../../src/core/caller/caller.ts";
import type { Fallback, Model, Route } from "../../../src/core/dialect/routing.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { FAILURES } from "../../../src/core/targets/target-state.ts";
import { type Plan, Targets } from "../../../src/core/targets/targets.ts";
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
  trials: number;
}

interface Attempt {
  readonly plan: Plan;
  readonly tried: string[];
  route: string;
  isTrial: boolean;
}

const reset = new GatewayError("upstream_reset");

describe("the choice of targets", () => {
  test("follows a model of their health, whatever happens", () => {
    const step = fc.record({
      what: fc.constantFrom("open", "answer", "fail", "end"),
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
        const known = new Map(
          Array.from({ length: count }, (_, index) => [
            `r${index}`,
            { running: 0, failures: 0, coolUntil: undefined, trials: 0 } as Known,
          ]),
        );
        const of = (route: string): Known =>
          known.get(route) ?? { running: 0, failures: 0, coolUntil: undefined, trials: 0 };
        const running: Attempt[] = [];

        /** What a request may be sent to now, of those it has not tried. */
        const may = (tried: readonly string[]): { ready: string[]; cooling: string[] } => {
          const left = [...known].filter(([name, one]) => !tried.includes(name) && one.running < STREAMS);
          const ready = left.filter(
            ([, one]) => one.coolUntil === undefined || (one.coolUntil <= now && one.trials === 0),
          );
          return {
            ready: ready.map(([name]) => name),
            cooling: left.map(([name]) => name).filter((name) => !ready.some(([other]) => other === name)),
          };
        };
        const begins = (attempt: Attempt, route: string): void => {
          const { ready, cooling } = may(attempt.tried);
          expect(ready.length > 0 ? ready : cooling).toContain(route);
          if (choose === "order" && ready.length > 0) expect(route).toBe([...ready].sort()[0]);
          attempt.tried.push(route);
          attempt.route = route;
          attempt.isTrial = of(route).coolUntil !== undefined;
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
            const fresh: Attempt = { plan, tried: [], route: "", isTrial: false };
            const { ready, cooling } = may([]);
            if (ready.length + cooling.length === 0) {
              expect(() => plan.next()).toThrow(expect.objectContaining({ code: "rate_limited" }));
              continue;
            }
            begins(fresh, plan.next()?.route.name ?? "none");
            running.push(fresh);
          } else if (attempt && what === "answer") {
            attempt.plan.answered();
            Object.assign(of(attempt.route), { failures: 0, coolUntil: undefined });
            if (attempt.isTrial) of(attempt.route).trials--;
            attempt.isTrial = false;
            expect(attempt.plan.hasNext).toBe(false);
          } else if (attempt && what === "fail" && attempt.plan.hasNext) {
            attempt.plan.failed(reset);
            const one = of(attempt.route);
            one.failures++;
            if (one.failures >= FAILURES) one.coolUntil = Math.max(one.coolUntil ?? 0, now + COOL_MS);
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
