import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CANCEL_AT, EVICT_AT, LogBudget, REFUSE_AT } from "../../../src/core/stream/budget.ts";

/** A budget of 10,000 bytes and how often it asked for relief. */
function newBudget() {
  const asked: number[] = [];
  const budget: LogBudget = new LogBudget(10_000, () => void asked.push(budget.usedBytes));
  return { budget, asked };
}

describe("the log budget", () => {
  test("has its three thresholds in order", () => {
    expect(REFUSE_AT < EVICT_AT && EVICT_AT < CANCEL_AT).toBe(true);
    const { budget } = newBudget();
    budget.grow(6_999);
    expect(budget.isOver(REFUSE_AT)).toBe(false);
    budget.grow(1);
    expect([budget.isOver(REFUSE_AT), budget.isOver(EVICT_AT)]).toEqual([true, false]);
    budget.shrink(1);
    expect(budget.isOver(REFUSE_AT)).toBe(false);
  });

  test("asks for relief at the second threshold, then once per hundredth of growth", () => {
    const { budget, asked } = newBudget();
    budget.grow(8_499);
    expect(asked).toEqual([]);
    for (let bytes = 0; bytes < 301; bytes++) budget.grow(1);
    expect(asked).toEqual([8_500, 8_600, 8_700, 8_800]);
  });

  test("asks again when it grows after it was relieved", () => {
    const { budget, asked } = newBudget();
    budget.grow(9_000);
    budget.shrink(5_000);
    budget.grow(4_600);
    expect(asked).toEqual([9_000, 8_600]);
  });

  test("asks again as it grows even if logs shrink in between", () => {
    const { budget, asked } = newBudget();
    budget.grow(8_500);
    for (let round = 0; round < 100; round++) {
      budget.grow(20);
      budget.shrink(10);
    }
    expect(budget.usedBytes).toBe(9_500);
    expect(asked.length).toBeGreaterThan(8);
  });

  test("never grows by a hundredth above the threshold without asking", () => {
    const change = fc.integer({ min: -400, max: 60 });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 400 }), (changes) => {
        const { budget, asked } = newBudget();
        budget.grow(8_400);
        // The lowest use since the last time it asked.
        let low = budget.usedBytes;
        for (const bytes of changes) {
          const before = asked.length;
          if (bytes >= 0) budget.grow(bytes);
          else budget.shrink(Math.min(-bytes, budget.usedBytes));
          if (asked.length > before) low = budget.usedBytes;
          low = Math.min(low, budget.usedBytes);
          expect(budget.usedBytes).toBeLessThan(Math.max(8_500, low + 100));
        }
      }),
    );
  });
});
