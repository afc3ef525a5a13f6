import { describe, expect, test } from "@jest/globals";
import type { LastRecord } from "../../src/cluster/streams/stored-stream.ts";
import { type Known, lastRow, leftRow, priceOf, spentOf } from "../../src/compose/node/last-row.ts";
import { type Model, type Route, Routing } from "../../src/core/dialect/routing.ts";
import type { LeftRow } from "../../src/storage/ledger/stored-ledger.ts";

const NOON = Date.UTC(2026, 10, 22, 12);
const ROW: LeftRow = { stream: "s", attempt: 1, openedAt: NOON, counted: { tokens: 30, costNano: 30_000 } };
const PRICE = { input: 1, output: 2 };
const FACTS = { caller: "ann", route: "chat", model: "gpt", dialect: "openai-chat", tellsDialect: false, at: NOON };
const UNKNOWN = { source: "unknown" } as const;

const estimated = (inputTokens: number, outputTokens: number) =>
  ({ source: "estimated", inputTokens, outputTokens }) as const;

const ran = (usage: NonNullable<LastRecord["spending"]>["usage"], attempt = 1): LastRecord => ({
  facts: FACTS,
  events: 7,
  ending: undefined,
  spending: { usage, ...(attempt > 1 && { target: { attempt, route: "chat", model: "gpt-1" } }) },
});

function ended(usage: NonNullable<LastRecord["spending"]>["usage"]): LastRecord {
  const ending = { status: "cancelled", code: "client_gone", usage, timing: { totalMs: 99.6 } } as const;
  return { facts: FACTS, events: 7, ending, spending: ending };
}

const close = (known: Partial<Known>, row = ROW) =>
  lastRow(row, { record: undefined, reported: undefined, price: PRICE, ...known }, NOON + 8_000);

const reported = (tokens: number, nano = 0, isFinal = false) => ({ tokens, nano, isFinal });

describe("the row that a dead node left open", () => {
  test("is closed as its stream's end says, at its time", () => {
    const usage = { source: "exact", inputTokens: 10, outputTokens: 5, reasoningTokens: 2 } as const;
    expect(close({ record: ended(usage), reported: reported(99, 99) })).toEqual({
      stream: "s",
      outcome: "cancelled",
      code: "client_gone",
      usage,
      costNano: 10_000 + 10_000,
      counted: undefined,
      timing: { totalMs: 99.6 },
      events: 7,
      bytes: undefined,
      anomalies: [],
      closedAt: NOON + 100,
    });
  });

  test("of a stream that ended without known usage counts what was reported of it, at least its prompt", () => {
    expect(close({ record: ended(UNKNOWN) })).toMatchObject({ usage: UNKNOWN, counted: ROW.counted });
    expect(close({ record: ended(UNKNOWN), reported: reported(70) })).toMatchObject({
      counted: { tokens: 70, costNano: 30_000 },
    });
  });

  test("of a stream that ran has what it had used when that was last written", () => {
    const row = close({ record: ran(estimated(30, 200)) });
    expect(row).toMatchObject({ outcome: "lost", events: 7, usage: estimated(30, 200), costNano: 430_000 });
    expect(row).toMatchObject({ timing: {}, closedAt: NOON + 8_000 });
  });

  test.each<[string, LastRecord | undefined, ReturnType<typeof reported>, ReturnType<typeof estimated>, number]>([
    ["more", ran(estimated(30, 200)), reported(240, 500_000), estimated(30, 210), 500_000],
    ["more, and costs nobody capped", ran(estimated(30, 200)), reported(240), estimated(30, 210), 430_000],
    ["less", ran(estimated(30, 200)), reported(100, 9), estimated(30, 200), 430_000],
    ["less in the end", ran(estimated(30, 200)), reported(100, 170_000, true), estimated(30, 70), 170_000],
    ["nothing in the end", ran(estimated(30, 200)), reported(0, 0, true), estimated(0, 0), 0],
    ["what a stream without figures used", ran(UNKNOWN), reported(50), estimated(30, 20), 30_000],
    ["what Redis has nothing else of", undefined, reported(50), estimated(30, 20), 30_000],
  ])("of a stream of which %s was reported to its caps has what they count", (_, record, last, usage, costNano) => {
    expect(close({ record, reported: last })).toMatchObject({ outcome: "lost", usage, costNano });
  });

  test("is left to the ledger if nothing but its prompt is known", () => {
    for (const record of [undefined, ran(UNKNOWN)]) {
      expect(close({ record })).toBeUndefined();
      expect(close({ record, reported: reported(30) })).toBeUndefined();
    }
  });

  test("of a further attempt has its own usage: caps count all attempts together", () => {
    const row = { ...ROW, stream: "s.2", attempt: 2 };
    expect(close({ record: ran(estimated(30, 5), 2), reported: reported(90) }, row)).toMatchObject({
      stream: "s.2",
      usage: estimated(30, 5),
    });
    expect(leftRow(ROW, NOON)).toMatchObject({ isLeft: true, outcome: "lost", usage: { inputTokens: 30 } });
  });

  test("costs nothing without a price, and nothing is made up for rows whose prompt was not counted", () => {
    expect(close({ record: ran(estimated(30, 200)), price: undefined })).toMatchObject({ costNano: undefined });
    expect(leftRow({ ...ROW, counted: undefined }, NOON)).toMatchObject({ usage: UNKNOWN, costNano: undefined });
  });
});

describe("the counters of caps", () => {
  test("get the same, and that it is final only where it is all that the stream has used", () => {
    expect(spentOf(ended(estimated(10, 5)), PRICE)).toEqual({ tokens: 15, nano: 20_000, isFinal: true });
    expect(spentOf(ran(estimated(10, 5)), PRICE)).toEqual({ tokens: 15, nano: 20_000, isFinal: false });
    const { spending } = ran(estimated(10, 5), 2);
    const ending = spending && { ...spending, status: "completed" as const, code: undefined, timing: { totalMs: 1 } };
    expect(spentOf({ facts: FACTS, events: 1, ending, spending }, undefined)).toEqual({
      tokens: 15,
      nano: undefined,
      isFinal: false,
    });
    expect(spentOf(ran(UNKNOWN), PRICE)).toBeUndefined();
  });
});

describe("the price of a dead node's stream", () => {
  const route = (name: string): Route => ({ name, dialect: {} as never, key: undefined, headers: {} });
  const [chat, other] = [route("chat"), { ...route("other"), passModels: true, prices: new Map([["own", PRICE]]) }];
  const on = (target: Route, upstreamModel: string, output: number): Model => ({
    ...{ alias: "gpt", route: target, upstreamModel, name: "gpt", defaults: {}, contextWindow: undefined },
    price: { input: 1, output },
  });
  const targets = [on(chat, "gpt-1", 2), on(other, "gpt-2", 9)].map((model) => ({
    ...{ route: model.route, model, weight: 1, limits: {} },
  }));
  const fallback = { choose: "order", sticky: false, coolDownMs: 0, firstTokenMs: undefined, targets } as const;
  const routing = new Routing([chat, other], [{ ...on(chat, "gpt-1", 2), fallback }]);
  const recordOf = (
    facts: Partial<LastRecord["facts"]>,
    target?: { attempt: number; route: string; model: string },
  ) => {
    const known = ran(estimated(1, 1));
    return { ...known, facts: { ...FACTS, ...facts }, spending: { usage: UNKNOWN, ...(target && { target }) } };
  };

  test("is that of the target it ran on, of a model by its own name, and none for a bare route or what is gone", () => {
    expect(priceOf(routing, recordOf({}))).toEqual(PRICE);
    expect(priceOf(routing, recordOf({}, { attempt: 2, route: "other#2", model: "gpt-2" }))).toMatchObject({
      output: 9,
    });
    expect(priceOf(routing, recordOf({ model: "own", route: "other" }))).toEqual(PRICE);
    expect(priceOf(routing, recordOf({ model: undefined }))).toBeUndefined();
    expect(priceOf(routing, recordOf({ model: "gone", route: "gone" }))).toBeUndefined();
  });
});
