/** What we give up after it was sent is paid for: the provider bills a request, whoever stopped listening. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Code } from "../../protocol/codes.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import type { RelaySettings } from "../support/relay/relayed-stream.ts";
import { callerOf, openLeasedRelay } from "../support/relay/reserving-relay.ts";
import { begin } from "../support/upstreams/anthropic-script.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const CAP = 10_000;
const PROMPT_TOKENS = 7_500;
const caller = callerOf({ tokensPerDay: CAP });
const ask = (tokens: number) => ({ max_tokens: 64, messages: [{ role: "user", content: "word".repeat(tokens) }] });
const NOTHING_USED = { source: "exact", inputTokens: 0, outputTokens: 0 };

async function setUp(settings: RelaySettings = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const up = stack.use(await openLeasedRelay(upstream.url, settings));
  return { ...up, upstream, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
type Up = Awaited<ReturnType<typeof setUp>>;

/** What the caps have counted for the key today: a request that never fits is told. */
function countedBy(up: Up): number {
  try {
    up.open({ caller, body: ask(2 * CAP) });
  } catch (error) {
    if (error instanceof GatewayError && error.code === "cap_exceeded") return Number(error.details?.used);
    throw error;
  }
  throw new Error("it was let in");
}

const recorded = (up: Up): number =>
  up.ledger.closed.reduce((sum, { usage }) => sum + (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0), 0);

/** Everybody who may end a stream from outside, by the code they give. */
const REASONS = [
  "cancelled",
  "client_gone",
  "slow_consumer",
  "overloaded",
  "shutting_down",
  "cap_exceeded",
  "upstream_timeout",
  "internal",
] as const satisfies Code[];

describe("a request that was sent and then given up", () => {
  test("counts its prompt, so a key cannot exceed its cap by hanging up", async () => {
    await using up = await setUp();
    const { stream, terminal } = up.open({ caller, body: ask(PROMPT_TOKENS) });
    await up.upstream.request();
    stream.cancel(new GatewayError("cancelled"));
    expect((await terminal).usage).toMatchObject({ source: "estimated", outputTokens: 0 });
    expect((await terminal).usage.inputTokens).toBeGreaterThan(PROMPT_TOKENS);
    expect(() => up.open({ caller, body: ask(PROMPT_TOKENS) })).toThrow("ci has used up its tokens per day (10000)");
    expect(up.upstream.requests).toBe(1);
  });

  test.each(REASONS)("counts as an estimate in the ledger and under the caps when it ends with %s", async (code) => {
    await using up = await setUp();
    const { stream, terminal } = up.open({ caller, body: ask(1_000) });
    await up.upstream.request();
    stream.cancel(new GatewayError(code));
    expect((await terminal).usage.source).toBe("estimated");
    expect(recorded(up)).toBeGreaterThan(1_000);
    expect(countedBy(up)).toBe(recorded(up));
  });

  test.each([
    ["headers", { headersMs: 20 }],
    ["total", { totalMs: 50 }],
  ] as const)("counts as an estimate when the limit %s runs out before an answer", async (timer, timeouts) => {
    // It runs out once the request has come, however long that took.
    let now = 0;
    const clock = { now: () => now, wall: () => 0 };
    await using up = await setUp({ route: { timeouts }, options: { clock } });
    const { terminal } = up.open({ caller, body: ask(1_000) });
    await up.upstream.request();
    now = 50;
    expect(await terminal).toMatchObject({
      error: { code: "upstream_timeout", details: { timer } },
      usage: { source: "estimated", outputTokens: 0 },
    });
    expect(countedBy(up)).toBe(recorded(up));
  });

  test("counts as an estimate if its answer began without an event", async () => {
    await using up = await setUp({ route: { timeouts: { firstEventMs: 20 } } });
    const { terminal } = up.open({ caller, body: ask(1_000) });
    (await up.upstream.request()).sse();
    expect(await terminal).toMatchObject({ error: { code: "upstream_timeout" }, usage: { source: "estimated" } });
    expect(countedBy(up)).toBe(recorded(up));
  });

  test("counts under the caps on a plain route too", async () => {
    await using up = await setUp({ dialect: "plain-sse" });
    const { stream, terminal } = up.open({ caller, body: ask(1_000) });
    await up.upstream.request();
    stream.cancel(new GatewayError("cancelled"));
    expect((await terminal).usage).toEqual({ source: "unknown" });
    expect(countedBy(up)).toBeGreaterThan(1_000);
    expect(up.ledger.closed).toMatchObject([{ counted: { tokens: countedBy(up) } }]);
  });

  test("is not repeated by a drain with nothing to read", async () => {
    await using up = await setUp({ drain: { ms: 60_000, bytes: 1_000 } });
    const { promise, resolve } = Promise.withResolvers<void>();
    up.ledger.commit = promise;
    const { stream, terminal } = up.open({ caller: callerOf({ tokensPerDay: CAP }, { onAbort: "drain" }) });
    stream.cancel(new GatewayError("cancelled"));
    resolve();
    expect((await terminal).usage).toEqual(NOTHING_USED);
    await new Promise((turn) => setImmediate(turn));
    expect(up.upstream.connections).toBe(0);
    expect(countedBy(up)).toBe(0);
  });
});

describe("a request that never left", () => {
  test.each(REASONS)("costs nothing when %s ends it while its row is being written", async (code) => {
    await using up = await setUp();
    up.ledger.commit = new Promise(() => {});
    const { stream, terminal } = up.open({ caller, body: ask(1_000) });
    stream.cancel(new GatewayError(code));
    expect((await terminal).usage).toEqual(NOTHING_USED);
    expect(countedBy(up)).toBe(0);
  });

  test.each(REASONS)("costs nothing when %s ends it while it waits for a connection", async (code) => {
    await using up = await setUp({ route: { maxConnections: 1 } });
    const first = up.open({ body: ask(1) });
    await up.upstream.request();
    const { stream, terminal } = up.open({ caller, body: ask(1_000) });
    await new Promise((turn) => setImmediate(turn));
    stream.cancel(new GatewayError(code));
    expect((await terminal).usage).toEqual(NOTHING_USED);
    expect(countedBy(up)).toBe(0);
    first.stream.cancel(new GatewayError("cancelled"));
  });

  test("costs nothing when its connection fails", async () => {
    await using up = await setUp({ options: { retry: { maxRetries: 0 } } });
    await up.upstream.close();
    const { terminal } = up.open({ caller, body: ask(1_000) });
    expect(await terminal).toMatchObject({ error: { code: "upstream_unreachable" }, usage: NOTHING_USED });
    expect(countedBy(up)).toBe(0);
  });
});

describe("a request refused by its provider", () => {
  test.each([302, 400, 401, 413, 429, 500, 503, 529])("with %i costs nothing", async (status) => {
    await using up = await setUp({ options: { retry: { maxRetries: 0 } } });
    const { terminal } = up.open({ caller, body: ask(1_000) });
    (await up.upstream.request()).json(status, { error: { message: "no" } });
    expect((await terminal).usage).toEqual(NOTHING_USED);
    expect(countedBy(up)).toBe(0);
  });

  test("costs nothing if it is cancelled before its retry", async () => {
    const retry = { baseDelayMs: 5_000, maxDelayMs: 60_000 };
    await using up = await setUp({ route: { maxConnections: 1 }, options: { retry, random: () => 1 } });
    const { stream, terminal } = up.open({ caller, body: ask(1_000) });
    const exchange = await up.upstream.request();
    up.open({ body: ask(1) });
    exchange.json(503, { error: { message: "busy" } });
    // The other gets the connection when the refusal has been read.
    await up.upstream.request();
    stream.cancel(new GatewayError("cancelled"));
    expect((await terminal).usage).toEqual(NOTHING_USED);
  });

  test("costs its prompt if it was sent a second time", async () => {
    await using up = await setUp({ options: { retry: { baseDelayMs: 0 } } });
    const { stream, terminal } = up.open({ caller, body: ask(1_000) });
    (await up.upstream.request()).json(503, { error: { message: "busy" } });
    await up.upstream.request();
    stream.cancel(new GatewayError("cancelled"));
    expect((await terminal).usage).toMatchObject({ source: "estimated", outputTokens: 0 });
    expect(countedBy(up)).toBe(recorded(up));
  });
});

/** How far a stream comes before it is given up, and why it is. */
const life = fc.record({
  until: fc.constantFrom("row", "sent", "head", "event"),
  why: fc.constantFrom(...REASONS),
  promptTokens: fc.integer({ min: 1, max: 300 }),
  drains: fc.boolean(),
});

test("however streams are given up, the caps count what the ledger holds, and no sent prompt is missing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
      await using up = await setUp({ drain: { ms: 0, bytes: 1_000 } });
      let sent = 0;
      for (const { until, why, promptTokens, drains } of lives) {
        up.ledger.commit = until === "row" ? new Promise(() => {}) : undefined;
        const body = ask(promptTokens);
        const grant = { onAbort: drains ? "drain" : "cancel" } as const;
        const opened = up.open({ caller: callerOf({ tokensPerDay: CAP }, grant), body });
        if (until !== "row") {
          // The provider of this script counts ten tokens of prompt once it has begun.
          sent += until === "event" ? 10 : promptTokens;
          const exchange = await up.upstream.request();
          if (until === "head") exchange.sse();
          if (until === "event") begin(exchange.sse());
        }
        if (until === "event") await opened.received(2);
        opened.stream.cancel(new GatewayError(why));
        const { usage } = await opened.terminal;
        if (until === "row") expect(usage).toEqual(NOTHING_USED);
        else expect(usage.source).toBe("estimated");
      }
      // Nothing is read on any longer.
      up.relay.sweep(Number.POSITIVE_INFINITY);
      const last = new Map(up.ledger.closed.map((row) => [row.stream, row.usage]));
      const total = [...last.values()].reduce(
        (sum, { inputTokens = 0, outputTokens = 0 }) => sum + inputTokens + outputTokens,
        0,
      );
      expect(countedBy(up)).toBe(total);
      expect(total).toBeGreaterThanOrEqual(sent);
    }),
    { numRuns: 40 },
  );
});
