import { describe, expect, test } from "@jest/globals";
import { CODES, type Code } from "../../../protocol/codes.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { coolDown, mayGoOn } from "../../../src/core/targets/may-go-on.ts";

const error = (code: Code, details = {}, more = {}) => new GatewayError(code, undefined, { details, ...more });

/** Failures of the target whatever their details. */
const ALWAYS: ReadonlySet<string> = new Set([
  "upstream_unreachable",
  "upstream_not_allowed",
  "upstream_rate_limited",
  "upstream_overloaded",
  "upstream_timeout",
  "upstream_reset",
  "upstream_truncated",
  "upstream_protocol",
  "upstream_bad_response",
  // A reload has removed its route.
  "unknown_route",
]);

describe("another target is tried", () => {
  test.each(Object.keys(CODES) as Code[])("after %s only if the target is to blame", (code) => {
    expect(mayGoOn(error(code))).toBe(ALWAYS.has(code));
  });

  test.each([
    [400, {}, false],
    [401, {}, false],
    [401, { reason: "key_refused" }, true],
    [403, { reason: "key_refused" }, true],
    [402, {}, true],
    [404, {}, false],
    [413, {}, false],
    [422, {}, false],
    [500, {}, true],
    [529, {}, true],
  ])("after the status %d %j: %s", (status, details, expected) => {
    expect(mayGoOn(error("upstream_http_error", { status, ...details }))).toBe(expected);
  });

  test("after an error event that waiting may cure", () => {
    expect(mayGoOn(error("upstream_error_event", {}, { retryable: true }))).toBe(true);
    expect(mayGoOn(error("upstream_error_event", {}, { retryable: false }))).toBe(false);
  });
});

describe("a target is spared", () => {
  test("for as long as it asks, at most five minutes", () => {
    expect(coolDown(error("upstream_rate_limited", {}, { retryAfterMs: 7_000 }), 1_000)).toEqual({
      ms: 7_000,
      atOnce: true,
      isAsked: true,
    });
    expect(coolDown(error("upstream_overloaded", {}, { retryAfterMs: 86_400_000 }), 1_000).ms).toBe(300_000);
  });

  test("for as long as our own circuit breaker is open, which is no wish of the target", () => {
    const open = error("upstream_unreachable", { reason: "circuit_open" }, { retryAfterMs: 900 });
    expect(coolDown(open, 1_000)).toEqual({ ms: 900, atOnce: true, isAsked: false });
  });

  test("at once after a 429, and for a minute after a refused key", () => {
    expect(coolDown(error("upstream_rate_limited"), 1_000)).toEqual({ ms: 1_000, atOnce: true, isAsked: false });
    const refused = error("upstream_http_error", { status: 401, reason: "key_refused" });
    expect(coolDown(refused, 1_000)).toEqual({ ms: 60_000, atOnce: true, isAsked: false });
  });

  test("only after some failures in a row otherwise", () => {
    expect(coolDown(error("upstream_reset"), 1_000)).toEqual({ ms: 1_000, atOnce: false, isAsked: false });
  });
});
