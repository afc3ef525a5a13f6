import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { InboundBudget, type InboundReservation } from "../../../src/core/caller/inbound-budget.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";

const refusal = (work: () => void): GatewayError => {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  throw new Error("it was not refused");
};

describe("the inbound budget", () => {
  test("limits each holder to its share, and all holders together", () => {
    const budget = new InboundBudget({ maxBytes: 100, maxBytesEach: 60 });
    budget.reserve("a", 60);
    const error = refusal(() => budget.reserve("a", 1));
    expect(error).toMatchObject({ code: "overloaded", retryAfterMs: 5_000, details: { bound: "caller", limit: 60 } });
    budget.reserve("b", 40);
    expect(refusal(() => budget.reserve("c", 1)).details).toEqual({ bound: "gateway", limit: 100 });
    expect(budget.usedBytes).toBe(100);
    expect(budget.refused).toBe(2);
  });

  test("leaves a reservation as it was if it cannot grow", () => {
    const budget = new InboundBudget({ maxBytes: 100, maxBytesEach: 100 });
    const reservation = budget.reserve("a", 90);
    expect(refusal(() => reservation.growTo(101)).code).toBe("overloaded");
    expect(reservation.bytes).toBe(90);
    reservation.growTo(100);
    reservation.growTo(50);
    expect(budget.usedBytes).toBe(100);
  });

  test("counts a second release as nothing", () => {
    const budget = new InboundBudget({ maxBytes: 100, maxBytesEach: 100 });
    const first = budget.reserve("a", 40);
    budget.reserve("a", 30);
    first.release();
    first.release();
    expect(budget.usedBytes).toBe(30);
  });

  test("always equals what is held, in any order of reserving, growing and releasing", () => {
    const step = fc.record({
      holder: fc.constantFrom("a", "b", "c"),
      what: fc.constantFrom("reserve", "grow", "release"),
      bytes: fc.nat(60),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const limits = { maxBytes: 100, maxBytesEach: 60 };
        const budget = new InboundBudget(limits);
        const held: { holder: string; bytes: number; reservation: InboundReservation }[] = [];
        const sum = (holder?: string) =>
          held
            .filter((one) => holder === undefined || one.holder === holder)
            .reduce((all, { bytes }) => all + bytes, 0);
        const fits = (holder: string, more: number) =>
          sum() + more <= limits.maxBytes && sum(holder) + more <= limits.maxBytesEach;
        for (const { holder, what, bytes, which } of steps) {
          const one = held[which % Math.max(held.length, 1)];
          if (what === "reserve") {
            if (fits(holder, bytes)) held.push({ holder, bytes, reservation: budget.reserve(holder, bytes) });
            else expect(refusal(() => budget.reserve(holder, bytes)).code).toBe("overloaded");
          } else if (one && what === "grow") {
            const more = Math.max(0, bytes - one.bytes);
            if (more === 0 || fits(one.holder, more)) {
              one.reservation.growTo(bytes);
              one.bytes += more;
            } else expect(refusal(() => one.reservation.growTo(bytes)).code).toBe("overloaded");
          } else if (one) {
            one.reservation.release();
            held.splice(held.indexOf(one), 1);
          }
          expect(budget.usedBytes).toBe(sum());
        }
        for (const { reservation } of held) reservation.release();
        expect(budget.usedBytes).toBe(0);
        // Nobody is remembered: each has its whole part again.
        for (const holder of ["a", "b", "c"]) budget.reserve(holder, 60).release();
      }),
    );
  });
});
