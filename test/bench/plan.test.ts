import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { DEFAULT_PLAN, readPlan, writePlan } from "../../bench/payload/plan.ts";
import { PAYLOAD_NAMES } from "../../bench/payload/shape.ts";

const plans = fc.record({
  key: fc.nat(99_999_999),
  firstMs: fc.nat(10_000),
  writesPerSecond: fc.double({ min: 0, max: 1e6, noNaN: true }),
  burst: fc.integer({ min: 1, max: 1000 }),
  count: fc.nat(99_999_999),
  bytes: fc.nat(100_000),
  group: fc.nat(9),
  payload: fc.constantFrom(...PAYLOAD_NAMES),
});

describe("a plan in a prompt", () => {
  test("survives any request that carries it", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: writePlan(plan) }] });
        // The sign of an exponent would end the word.
        fc.pre(!/e[+-]/.test(body));
        expect(readPlan(`POST / HTTP/1.1\r\n\r\n${body}`)).toEqual(plan);
      }),
    );
  });

  test("is the default if the prompt has none", () => {
    expect(readPlan('{"messages":[{"role":"user","content":"Hi"}]}')).toEqual(DEFAULT_PLAN);
  });

  test("with a payload that there is not has the default one", () => {
    expect(readPlan("bench:payload=toString;count=3")).toEqual({ ...DEFAULT_PLAN, count: 3 });
  });

  test("is the last one of a conversation", () => {
    expect(readPlan("bench:count=3 bench:count=4")).toEqual({ ...DEFAULT_PLAN, count: 4 });
  });
});
