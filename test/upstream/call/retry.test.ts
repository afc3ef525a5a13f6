import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { DEFAULT_RETRY, Retries } from "../../../src/upstream/call/retry.ts";

const overloaded = new GatewayError("upstream_overloaded");

describe("the retry budget", () => {
  test("allows one retry for ten calls in the long run", () => {
    const retries = new Retries({ ...DEFAULT_RETRY, budgetReserve: 1 }, () => 0);
    retries.take(overloaded, 0);
    let made = 0;
    for (let call = 0; call < 1000; call++) {
      retries.called();
      if (retries.take(overloaded, 0) !== undefined) made++;
    }
    expect(made).toBeGreaterThanOrEqual(99);
    expect(made).toBeLessThanOrEqual(100);
  });

  test("saves up no more than its reserve", () => {
    const retries = new Retries({ ...DEFAULT_RETRY, budgetReserve: 3 }, () => 0);
    for (let call = 0; call < 1000; call++) retries.called();
    const delays = Array.from({ length: 5 }, () => retries.take(overloaded, 0));
    expect(delays).toEqual([0, 0, 0, undefined, undefined]);
  });

  test("is not touched by failures that are not tried again", () => {
    const retries = new Retries({ ...DEFAULT_RETRY, budgetReserve: 1 }, () => 0);
    for (let call = 0; call < 10; call++) retries.take(new GatewayError("upstream_reset"), 0);
    expect(retries.take(overloaded, 0)).toBe(0);
  });
});

describe("the wait before a retry", () => {
  test("is a random part of a doubling time", () => {
    const retries = new Retries({ ...DEFAULT_RETRY, maxRetries: 3, baseDelayMs: 200 }, () => 0.5);
    expect([0, 1, 2].map((retried) => retries.take(overloaded, retried))).toEqual([100, 200, 400]);
  });

  test("is what the upstream asks, up to the limit", () => {
    const retries = new Retries(DEFAULT_RETRY, () => 0.5);
    const asking = (retryAfterMs: number) => new GatewayError("upstream_overloaded", undefined, { retryAfterMs });
    expect(retries.take(asking(5000), 0)).toBe(5000);
    expect(retries.take(asking(5001), 0)).toBeUndefined();
  });
});

test("an upstream that is refused for good is not tried again", () => {
  const retries = new Retries(DEFAULT_RETRY, () => 0);
  expect(retries.take(new GatewayError("upstream_unreachable", undefined, { retryable: false }), 0)).toBeUndefined();
  expect(retries.take(new GatewayError("upstream_unreachable"), 0)).toBe(0);
});
