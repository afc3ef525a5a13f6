import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { TokenBucket } from "../../../src/core/caller/token-bucket.ts";

describe("a token bucket", () => {
  test("gives its burst at once, then states when the next token is available", () => {
    const bucket = new TokenBucket(10, 3, 1_000);
    expect([bucket.take(1_000), bucket.take(1_000), bucket.take(1_000)]).toEqual([0, 0, 0]);
    expect(bucket.take(1_000)).toBe(100);
    expect(bucket.take(1_060)).toBe(40);
    expect(bucket.take(1_100)).toBe(0);
    expect(bucket.take(1_100)).toBe(100);
  });

  test("gives several tokens at once, or none", () => {
    const bucket = new TokenBucket(10, 3, 0);
    expect(bucket.take(0, 2)).toBe(0);
    expect(bucket.take(0, 2)).toBe(100);
    expect(bucket.take(0, 1)).toBe(0);
  });

  test("accumulates no more than one burst", () => {
    const bucket = new TokenBucket(10, 3, 0);
    expect(Array.from({ length: 5 }, () => bucket.take(3_600_000) === 0)).toEqual([true, true, true, false, false]);
  });

  test("keeps its rate over any period, and serves a client that returns after the stated wait", () => {
    const waits = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 300 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 50 }), waits, (rate, burst, waits) => {
        const bucket = new TokenBucket(rate, burst, 0);
        let now = 0;
        let taken = 0;
        for (const waitMs of waits) {
          now += waitMs;
          const comeBackMs = bucket.take(now);
          if (comeBackMs === 0) taken++;
          else if (waitMs % 2 === 1) {
            now += comeBackMs;
            expect(bucket.take(now)).toBe(0);
            taken++;
          }
          expect(taken).toBeLessThanOrEqual(burst + (now / 1_000) * rate + 1e-3);
        }
      }),
    );
  });
});
