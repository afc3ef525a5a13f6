import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Period, type PeriodLength } from "../../../src/core/quota/period.ts";

const at = (text: string) => Date.parse(text);
const HOUR_MS = 3_600_000;

describe("a period", () => {
  test.each([
    ["minute", "2026-11-22T15:16:00Z", "2026-11-22T15:17:00Z"],
    ["day", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["month", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"],
  ] as const)("a %s is that of UTC", (length, startsAt, endsAt) => {
    const period = new Period(length, at("2026-11-22T15:16:17Z"));
    expect([period.startsAt, period.endsAt]).toEqual([at(startsAt), at(endsAt)]);
  });

  test("starts over once, with the first moment after its end", () => {
    const period = new Period("month", at("2026-12-31T23:59:59Z"));
    expect(period.advance(at("2026-12-31T23:59:59.999Z"))).toBe(false);
    expect(period.advance(at("2027-01-01T00:00:00Z"))).toBe(true);
    expect(period.advance(at("2027-01-01T00:00:00Z"))).toBe(false);
    expect(period.endsAt).toBe(at("2027-02-01T00:00:00Z"));
  });

  test("does not start twice if the clock is set back", () => {
    const period = new Period("day", at("2026-11-22T23:30:00Z"));
    expect(period.advance(at("2026-11-23T00:30:00Z"))).toBe(true);
    expect(period.advance(at("2026-11-22T23:30:00Z"))).toBe(false);
    expect(period.advance(at("2026-11-23T00:00:00Z"))).toBe(false);
    expect(period.advance(at("2026-11-24T00:00:00Z"))).toBe(true);
  });

  test("returns from a clock that was far ahead without starting over", () => {
    const period = new Period("day", at("2099-01-01T12:00:00Z"));
    expect(period.advance(at("2026-11-22T12:00:00Z"))).toBe(false);
    expect(period.endsAt).toBe(at("2026-11-23T00:00:00Z"));
    expect(period.advance(at("2026-11-23T00:00:00Z"))).toBe(true);
  });

  test("starts no more often than days pass, even if the clock jumps by an hour", () => {
    const jumps = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 * HOUR_MS }), fc.constantFrom(-HOUR_MS, 0, HOUR_MS)), {
      size: "max",
      maxLength: 50,
    });
    fc.assert(
      fc.property(fc.constantFrom<PeriodLength>("day", "month"), jumps, (length, steps) => {
        const start = at("2026-11-30T20:00:00Z");
        const period = new Period(length, start);
        let now = start;
        let began = 0;
        for (const [ms, jump] of steps) {
          now += ms;
          for (const wall of [now + jump, now]) if (period.advance(wall)) began++;
        }
        const days = Math.floor((now + HOUR_MS) / 86_400_000) - Math.floor(start / 86_400_000);
        expect(began).toBeLessThanOrEqual(length === "day" ? days : 1);
      }),
    );
  });
});
