import { describe, expect, test } from "@jest/globals";
import type { UsageCells } from "../../../../src/core/ledger/usage-cells.ts";
import { readRange } from "../../../../src/faces/openclaw/methods/usage/usage-range.ts";
import { latencyOf } from "../../../../src/faces/openclaw/methods/usage/usage-sums.ts";
import { createMemoryLedger } from "../../../../src/storage/ledger/memory-ledger.ts";
import type { Payload } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const DAY_MS = 24 * 3_600_000;
const TODAY = Date.UTC(2026, 10, 22, 15);

/** What two sessions and one stream of another face used, on two days. */
async function ledger() {
  const ledger = createMemoryLedger();
  const rows = [
    { stream: "a", session: "agent:main:main", openedAt: TODAY, totalMs: 1_000 },
    { stream: "b", session: "agent:main:main", openedAt: TODAY - DAY_MS, totalMs: 3_000 },
    { stream: "c", session: "agent:main:notes", openedAt: TODAY, totalMs: 2_000 },
    { stream: "d", session: undefined, openedAt: TODAY, totalMs: 500 },
  ];
  for (const { stream, session, openedAt, totalMs } of rows) {
    const route = "openai";
    const common = { stream, caller: "ann", keyId: undefined, face: "openclaw", model: "gpt", upstreamModel: "gpt" };
    await ledger.open({ ...common, session, route, openedAt, counted: { tokens: 90, costNano: undefined } }, false);
    ledger.close({
      stream,
      outcome: "completed",
      code: undefined,
      usage: { source: "exact", inputTokens: 100, outputTokens: 20, cacheReadTokens: 40 },
      costNano: 5_000_000,
      counted: undefined,
      timing: { totalMs },
      events: 1,
      bytes: 1,
      anomalies: [],
      closedAt: openedAt + totalMs,
    });
  }
  return ledger;
}

const usageOf = async (params: object) => {
  await using rig = await startRig({ ledger: await ledger() });
  rig.clock.nowMs = TODAY;
  using client = await rig.client();
  return await client.request("sessions.usage", params);
};

const range = { startDate: "2026-11-16", endDate: "2026-11-22" };

describe("usage", () => {
  test("is reported by session, day, model and provider, with cost and latency", async () => {
    const usage = await usageOf({ ...range, groupBy: "family", agentScope: "all" });
    expect(usage).toMatchObject({
      ...range,
      totals: { input: 240, output: 80, cacheRead: 160, totalTokens: 480, totalCost: 0.02, missingCostEntries: 0 },
      aggregates: {
        sessionCount: 3,
        messages: { total: 8, user: 4, assistant: 4, errors: 0 },
        byModel: [{ provider: "openai", model: "gpt", count: 4 }],
        byProvider: [{ provider: "openai", count: 4 }],
        costDaily: [
          { date: "2026-11-21", totalCost: 0.005 },
          { date: "2026-11-22", totalCost: 0.015 },
        ],
        dailyLatency: [
          { date: "2026-11-21", count: 1, avgMs: 3_000 },
          { date: "2026-11-22", count: 3, minMs: 500, maxMs: 2_000, p95Ms: 2_000 },
        ],
      },
    });
    const sessions = usage.sessions as Payload[];
    expect(sessions.map(({ key }) => key).sort()).toEqual(["(no session)", "agent:main:main", "agent:main:notes"]);
    const main = sessions.find(({ key }) => key === "agent:main:main");
    expect(main?.usage).toMatchObject({
      totalTokens: 240,
      totalCost: 0.01,
      activityDates: ["2026-11-21", "2026-11-22"],
      dailyBreakdown: [
        { date: "2026-11-21", tokens: 120, cost: 0.005 },
        { date: "2026-11-22", tokens: 120, cost: 0.005 },
      ],
      latency: { count: 2, avgMs: 2_000 },
    });
  });

  test("is reported for one session, and as cost by day", async () => {
    expect(await usageOf({ ...range, key: "notes" })).toMatchObject({ totals: { totalTokens: 120 } });
    await using rig = await startRig({ ledger: await ledger() });
    rig.clock.nowMs = TODAY;
    using client = await rig.client();
    expect(await client.request("usage.cost", { days: 1 })).toMatchObject({ days: 1, totals: { totalCost: 0.015 } });
  });

  test("of another agent, or of another creator, is none", async () => {
    for (const other of [{ agentId: "other" }, { creatorKey: "profile:ann" }]) {
      expect(await usageOf({ ...range, ...other })).toMatchObject({ sessions: [], totals: { totalTokens: 0 } });
    }
    expect(await usageOf({ ...range, agentId: "main" })).toMatchObject({ totals: { totalTokens: 480 } });
  });

  test("is empty before the first stream", async () => {
    const empty: UsageCells = { cells: [], latencies: [] };
    await using rig = await startRig({ ledger: { cells: async () => empty } });
    using client = await rig.client();
    const usage = await client.request("sessions.usage", {});
    expect(usage).toMatchObject({
      sessions: [],
      totals: { totalTokens: 0 },
      aggregates: { sessionCount: 0, byModel: [] },
    });
  });

  test("is reported for each answer of a conversation", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (const runId of ["r1", "r2"]) {
      await client.request("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: runId });
      rig.call.text("hi").finish();
      await client.ended(runId);
    }
    expect(await client.request("sessions.usage.timeseries", { key: "main" })).toMatchObject({
      points: [{ totalTokens: 15, cumulativeTokens: 15 }, { cumulativeTokens: 30 }],
    });
    expect(await client.request("sessions.usage.logs", { key: "main", limit: 2 })).toMatchObject({
      logs: [
        { role: "user", content: "hello" },
        { role: "assistant", content: "hi", tokens: 15 },
      ],
    });
    const { messages } = await client.request("chat.history", { sessionKey: "main" });
    const [first] = messages as { __openclaw: { id: string } }[];
    await client.request("sessions.rewind", { sessionKey: "main", entryId: first?.__openclaw.id });
    expect(await client.request("sessions.usage.timeseries", { key: "main" })).toMatchObject({
      points: [{ totalTokens: 15 }, { cumulativeTokens: 30 }],
    });
    expect(await client.request("sessions.usage.logs", { key: "main" })).toEqual({ logs: [] });
  });
});

describe("days", () => {
  test("begin at the client's midnight", () => {
    const wanted = readRange({ ...range, utcOffset: "UTC+5:30" }, TODAY);
    expect(wanted).toMatchObject({ days: 7, utcOffsetMinutes: 330, since: Date.UTC(2026, 10, 15, 18, 30) });
    expect(wanted.until - wanted.since).toBe(7 * DAY_MS);
    expect(readRange({ utcOffset: "UTC-10" }, Date.UTC(2026, 10, 22, 5)).endDate).toBe("2026-11-21");
  });

  test("are the last thirty by default", () => {
    expect(readRange({}, TODAY)).toMatchObject({ startDate: "2026-10-24", endDate: "2026-11-22", days: 30 });
    expect(readRange({ range: "7d" }, TODAY)).toMatchObject({ startDate: "2026-11-16", days: 7 });
  });

  test("that do not exist are refused", () => {
    expect(() => readRange({ startDate: "2026-13-45" }, TODAY)).toThrow("startDate is a day");
    expect(() => readRange({ startDate: "2026-11-23", endDate: "2026-11-22" }, TODAY)).toThrow("after endDate");
  });

  test("ninety-five of a hundred answers were at least as fast as p95", () => {
    const latencies = Array.from({ length: 100 }, (_, index) => ({ day: "", session: null, totalMs: index + 1 }));
    expect(latencyOf(latencies)).toEqual({ count: 100, avgMs: 50.5, p95Ms: 95, minMs: 1, maxMs: 100 });
  });
});

describe("the log", () => {
  test("is readable line by line from a cursor, with the right scope", async () => {
    const asked: unknown[] = [];
    const logs = {
      read(request: unknown) {
        asked.push(request);
        return { cursor: 7, size: 7, lines: ['{"level":"info"}'] };
      },
    };
    await using rig = await startRig({ logs });
    using client = await rig.client();
    expect(await client.request("logs.tail", { limit: 500, maxBytes: 250_000 })).toMatchObject({ cursor: 7 });
    await client.request("logs.tail", { cursor: 7 });
    expect(asked).toEqual([
      { cursor: undefined, limit: 500, maxBytes: 250_000 },
      { cursor: 7, limit: 500, maxBytes: 250_000 },
    ]);
  });
});
