import { describe, expect, test } from "@jest/globals";
import type { Caps } from "../../../src/core/caller/caller.ts";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import { Account } from "../../../src/core/quota/account.ts";
import type { Ask } from "../../../src/core/quota/decision.ts";

const NOON = Date.parse("2026-11-22T12:00:00Z");
const MIDNIGHT = Date.parse("2026-11-23T00:00:00Z");

/** One key whose clock is moved by hand. */
function key(caps: Caps) {
  const account = new Account(NOON);
  let wall = NOON;
  return {
    account,
    at: (wallMs: number) => {
      wall = wallMs;
    },
    open: (ask: Partial<Ask> = {}) =>
      account.open({ promptTokens: 10, outputTokens: 100, price: undefined, cut() {}, ...ask }, "ci", caps, wall),
    meter: (capReservation: ReturnType<Account["open"]>, characters: number, counts = {}) =>
      capReservation.meter(counts, characters, wall),
    used: (cap: keyof Caps) => account.statuses.find((status) => status.cap === cap)?.used,
    held: () => account.statuses.map(({ held }) => held),
  };
}

const refusal = (open: () => unknown): GatewayError => {
  try {
    open();
  } catch (error) {
    return error as GatewayError;
  }
  throw new Error("it was not refused");
};

describe("an open under a cap on tokens", () => {
  test("reserves its prompt and its stated limit", () => {
    const { open, held } = key({ tokensPerDay: 1_000 });
    expect(open().maxOutputTokens).toBeUndefined();
    expect(held()[1]).toBe(110);
  });

  test("with a limit beyond any model releases everything exactly", () => {
    const { open, held } = key({});
    const capReservations = Array.from({ length: 9 }, () => open({ outputTokens: Number.MAX_SAFE_INTEGER }));
    for (const capReservation of capReservations) capReservation.release();
    expect(held()).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("has its limit lowered to what is left", () => {
    const { open } = key({ tokensPerDay: 150 });
    open();
    expect(open().maxOutputTokens).toBe(30);
  });

  test("is given a limit if it states none and little is left", () => {
    expect(key({ tokensPerDay: 1_000 }).open({ outputTokens: undefined }).maxOutputTokens).toBe(990);
    expect(key({ tokensPerDay: 100_000 }).open({ outputTokens: undefined }).maxOutputTokens).toBeUndefined();
  });

  test("is refused with caller, cap and reset time once the cap is used up, without a retry-after", () => {
    const { open, meter } = key({ tokensPerDay: 110 });
    const capReservation = open();
    meter(capReservation, 360);
    capReservation.settle(100, undefined, NOON);
    capReservation.release();
    const error = refusal(open);
    expect(error.toBody()).toEqual({
      code: "cap_exceeded",
      message:
        "ci has used up its tokens per day (110) until 2026-11-23T00:00:00.000Z (sluice keys create --tokens-per-day)",
      retryable: false,
      details: { caller: "ci", cap: "tokensPerDay", limit: 110, used: 100, resetsAt: "2026-11-23T00:00:00.000Z" },
    });
  });

  test("is refused as retryable while running streams have reserved the rest", () => {
    const { open } = key({ tokensPerDay: 125 });
    const first = open();
    expect(refusal(open)).toMatchObject({
      code: "too_many_streams",
      retryable: true,
      details: { cap: "tokensPerDay", used: 0, reserved: 110 },
    });
    first.release();
    open();
  });

  test("is refused for good if its prompt alone exceeds the cap", () => {
    const error = refusal(() => key({ tokensPerMinute: 100 }).open({ promptTokens: 100 }));
    expect(error).toMatchObject({ code: "cap_exceeded", retryable: false, details: { cap: "tokensPerMinute" } });
  });

  test("for one output token is possible with one token left", () => {
    expect(key({ tokensPerDay: 11 }).open({ outputTokens: 1 }).maxOutputTokens).toBeUndefined();
    expect(refusal(() => key({ tokensPerDay: 11 }).open({ outputTokens: 2 })).code).toBe("cap_exceeded");
  });

  test("is possible again in the next period", () => {
    const { open, at } = key({ tokensPerDay: 110 });
    const capReservation = open();
    capReservation.settle(110, undefined, NOON);
    capReservation.release();
    expect(refusal(open).code).toBe("cap_exceeded");
    at(MIDNIGHT);
    open();
  });

  test("counts usage restored from the ledger", () => {
    const { account, open } = key({ tokensPerDay: 1_000, tokensPerMonth: 10_000 });
    account.restore("day", 200, 0);
    account.restore("month", 9_950, 0);
    expect(open().maxOutputTokens).toBe(40);
    expect(refusal(open).details).toMatchObject({ cap: "tokensPerMonth", resetsAt: "2026-12-01T00:00:00.000Z" });
  });
});

describe("a minute's cap", () => {
  test("on tokens states when to retry instead of lowering limits", () => {
    const { open, at } = key({ tokensPerMinute: 200 });
    const capReservation = open();
    at(NOON + 20_000);
    expect(refusal(open)).toMatchObject({ code: "rate_limited", retryable: true, retryAfterMs: 40_000 });
    capReservation.settle(60, undefined, NOON);
    capReservation.release();
    expect(open().maxOutputTokens).toBeUndefined();
  });

  test("on tokens lowers a limit that exceeds a whole minute", () => {
    expect(key({ tokensPerMinute: 200 }).open({ outputTokens: 1_000 }).maxOutputTokens).toBe(190);
  });

  test("on requests counts admitted ones", () => {
    const { open, at } = key({ requestsPerMinute: 2 });
    open().release();
    open().release();
    const error = refusal(open);
    expect(error).toMatchObject({ code: "rate_limited", retryAfterMs: 60_000, details: { cap: "requestsPerMinute" } });
    expect(refusal(open).details?.used).toBe(2);
    at(NOON + 60_000);
    open();
  });
});

test("a cap on concurrent streams is released when a stream ends, once", () => {
  const { open } = key({ concurrentStreams: 1 });
  const capReservation = open();
  expect(refusal(open)).toMatchObject({ code: "too_many_streams", details: { cap: "concurrentStreams", limit: 1 } });
  capReservation.release();
  capReservation.release();
  open();
  expect(refusal(open).code).toBe("too_many_streams");
});

describe("a cap on cost", () => {
  const price = { input: 10, output: 100 };

  test("lowers the limit to what the rest can pay for", () => {
    // 10 tokens of prompt cost 0.0001, 99 of answer 0.0099.
    const { open } = key({ costPerDay: 0.01 });
    expect(open({ price }).maxOutputTokens).toBe(99);
  });

  test("is metered at the model's prices, with cached input at its own price", () => {
    const { open, meter, used } = key({ costPerDay: 1 });
    const capReservation = open({ price: { ...price, cacheRead: 1 } });
    meter(capReservation, 40, { inputTokens: 1_000, cacheReadTokens: 900 });
    // 100 × 10 + 900 × 1 + 10 × 100 for a million tokens each.
    expect(used("costPerDay")).toBe(2_900_000);
  });

  test("meters the estimated prompt until the provider counts it", () => {
    const { open, meter, used } = key({ costPerDay: 1 });
    meter(open({ price }), 40);
    // 10 × 10 + 10 × 100 for a million tokens each.
    expect(used("costPerDay")).toBe(1_100_000);
  });

  test("is exact where binary fractions are not", () => {
    // 8.2 × 10^9 is 8199999999.999999 in doubles; a token of answer costs 43.5 billionths.
    const { open, account } = key({ costPerDay: 8.2 });
    const asked = { promptTokens: 0, outputTokens: 1_000, price: { input: 0, output: 0.0435 } };
    expect(open(asked).maxOutputTokens).toBeUndefined();
    const status = account.statuses.find(({ cap }) => cap === "costPerDay");
    expect([status?.limit, status?.held]).toEqual([8_200_000_000, 43_500]);
  });

  test("is reported in the currency", () => {
    const { open } = key({ costPerDay: 0.01 });
    const capReservation = open({ price });
    capReservation.settle(100, 9_900_000, NOON);
    capReservation.release();
    expect(refusal(() => open({ price })).details).toMatchObject({ cap: "costPerDay", limit: 0.01, used: 0.0099 });
  });

  test("cannot be enforced for a model without a price", () => {
    expect(refusal(() => key({ costPerDay: 1 }).open())).toMatchObject({ code: "forbidden" });
  });
});

describe("metering", () => {
  test("estimates a token per four characters, from the provider's last count on", () => {
    const { open, meter, used } = key({ tokensPerDay: 10_000 });
    const capReservation = open();
    meter(capReservation, 40);
    expect(used("tokensPerDay")).toBe(20);
    meter(capReservation, 80, { inputTokens: 30, outputTokens: 50 });
    expect(used("tokensPerDay")).toBe(80);
    meter(capReservation, 84, { inputTokens: 30, outputTokens: 50 });
    expect(used("tokensPerDay")).toBe(81);
  });

  test("ignores zeros that a provider reports until the end", () => {
    const { open, meter, used } = key({ tokensPerDay: 10_000 });
    const capReservation = open();
    for (const characters of [40, 80, 120]) meter(capReservation, characters, { inputTokens: 10, outputTokens: 0 });
    expect(used("tokensPerDay")).toBe(40);
  });

  test("lets a response exceed its reservation while there is more", () => {
    const { open, meter } = key({ tokensPerDay: 100_000 });
    const capReservation = open({ outputTokens: undefined });
    expect(meter(capReservation, 200_000)).toBeUndefined();
    expect(meter(capReservation, 399_996)?.details).toMatchObject({ cap: "tokensPerDay", used: 100_009 });
  });

  test("cuts every stream of the key when nothing is left", () => {
    const { open, meter } = key({ tokensPerDay: 220 });
    const cut: string[] = [];
    const capReservations = ["a", "b"].map((name) => open({ cut: () => void cut.push(name) }));
    const [a, b] = capReservations;
    if (!a || !b) throw new Error("two were opened");
    expect(meter(a, 40)).toBeUndefined();
    // Its prompt was longer than estimated: the excess is reserved for the other stream.
    expect(meter(b, 400, { inputTokens: 90 })?.code).toBe("cap_exceeded");
    expect(cut).toEqual([]);
    expect(meter(a, 80)).toBeUndefined();
    expect(meter(a, 84)?.code).toBe("cap_exceeded");
    expect(cut).toEqual(["b"]);
  });

  test("lets streams that have used all they had reserved end by themselves", () => {
    const { open, meter } = key({ tokensPerDay: 220 });
    const cut: string[] = [];
    const [a, b] = ["a", "b"].map((name) => open({ cut: () => void cut.push(name) }));
    if (!a || !b) throw new Error("two were opened");
    expect([meter(a, 400), meter(b, 400)]).toEqual([undefined, undefined]);
    for (const each of [a, b]) {
      expect(meter(each, 400, { inputTokens: 10, outputTokens: 100 })).toBeUndefined();
      each.settle(110, undefined, NOON);
      each.release();
    }
    expect(cut).toEqual([]);
    expect(refusal(open).code).toBe("cap_exceeded");
  });

  test("starts a new day's count at midnight, and keeps reservations", () => {
    const { open, meter, used, held, at } = key({ tokensPerDay: 1_000 });
    const capReservation = open();
    meter(capReservation, 200);
    at(MIDNIGHT);
    meter(capReservation, 240);
    expect(used("tokensPerDay")).toBe(10);
    expect(held()[1]).toBe(40);
  });

  test("gives a new day no credit for an old overestimate", () => {
    const { open, meter, used, at } = key({ tokensPerDay: 1_000 });
    const capReservation = open();
    meter(capReservation, 400);
    at(MIDNIGHT);
    meter(capReservation, 404);
    capReservation.settle(20, undefined, MIDNIGHT);
    expect(used("tokensPerDay")).toBe(1);
  });
});

describe("the real usage at the end", () => {
  test("replaces the estimate whenever more is known, and releases the reservation", () => {
    const { open, meter, used, held } = key({ tokensPerDay: 1_000 });
    const capReservation = open();
    meter(capReservation, 200);
    capReservation.settle(undefined, undefined, NOON);
    expect(used("tokensPerDay")).toBe(60);
    capReservation.settle(55, undefined, NOON);
    capReservation.settle(42, undefined, NOON);
    capReservation.release();
    expect([used("tokensPerDay"), held()[1]]).toEqual([42, 0]);
  });

  test("cuts the other streams if it passes the cap", () => {
    const { open } = key({ tokensPerDay: 300 });
    const cut: string[] = [];
    open({ cut: ({ code }) => void cut.push(code) });
    const last = open();
    last.settle(300, undefined, NOON);
    expect(cut).toEqual([]);
    last.settle(301, undefined, NOON);
    expect(cut).toEqual(["cap_exceeded"]);
  });

  test("is ignored after the release", () => {
    const { open, used, held } = key({ tokensPerDay: 1_000 });
    const capReservation = open();
    capReservation.release();
    capReservation.settle(500, 500, NOON);
    expect(capReservation.meter({}, 4_000, NOON)).toBeUndefined();
    expect([used("tokensPerDay"), held()[1]]).toEqual([0, 0]);
  });
});
