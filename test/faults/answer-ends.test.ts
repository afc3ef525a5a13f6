/** docs/faults.md, When an answer is complete: what came, what is missing, and how the connection ended. */
import { describe, expect, test } from "@jest/globals";
import type { DialectName } from "../../src/dialects/registry.ts";
import { FIXED_TIMEOUTS } from "../../src/upstream/call/deadlines.ts";
import { openRelay, type RelayedStream, type RelaySettings } from "../support/relay/relayed-stream.ts";
import { callerOf, openLeasedRelay } from "../support/relay/reserving-relay.ts";
import { play } from "../support/upstreams/play.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const chat: RelaySettings = { dialect: "openai-chat" };
const choice = (delta: object, finish: string | null = null, index = 0) => ({
  id: "c1",
  choices: [{ index, delta, finish_reason: finish }],
});
const say = (content: string, index = 0) => choice({ content }, null, index);
const stop = (index = 0) => choice({}, "stop", index);

/** Plays some chunks, and breaks the connection when all of them have come through. */
const thenReset =
  (...chunks: readonly object[]) =>
  async (exchange: ScriptedExchange, opened: RelayedStream) => {
    exchange.sse();
    for (const chunk of chunks) exchange.event(chunk);
    // What a reset overtakes in the kernel never arrives.
    await opened.received(chunks.length);
    exchange.reset();
  };

describe("a chat answer whose connection breaks", () => {
  test("after its finish reason is completed", async () => {
    const { terminal } = await play(thenReset(say("Hi"), stop()), chat);
    expect(terminal).toMatchObject({ status: "completed", finish: "stop" });
  });

  test("while content follows a finish reason fails, and has no finish reason", async () => {
    const { terminal } = await play(thenReset(choice({ content: "" }, "stop"), say("The "), say("answ")), chat);
    expect(terminal).toMatchObject({ status: "failed", error: { code: "upstream_reset" }, lastSeq: 3 });
    expect(terminal).not.toHaveProperty("finish");
  });

  test("after texts that each have a finish reason fails: such a reason cannot be trusted", async () => {
    const piece = choice({ content: "x" }, "stop");
    const { terminal } = await play(thenReset(piece, piece, piece), chat);
    expect(terminal).toMatchObject({ status: "failed", error: { code: "upstream_reset" } });
  });

  test("after the finish reason that follows such content is completed", async () => {
    const { terminal } = await play(thenReset(choice({ content: "x" }, "stop"), say("y"), stop()), chat);
    expect(terminal).toMatchObject({ status: "completed" });
  });

  test("between texts that match the template fails, whatever finished before", async () => {
    const { terminal } = await play(thenReset(say("one"), say("two"), stop(), say("three"), say("four")), chat);
    expect(terminal).toMatchObject({ status: "failed", error: { code: "upstream_reset" } });
  });
});

describe("a request for two chat answers", () => {
  const two = async (...chunks: readonly object[]) => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url, chat);
    const { terminal } = relay.open({ body: { n: 2 } });
    const exchange = (await upstream.request()).sse();
    for (const chunk of chunks) exchange.event(chunk);
    exchange.end();
    return await terminal;
  };

  test("is completed when both have finished, in any order", async () => {
    expect(await two(say("a"), say("b", 1), stop(1), say("c"), stop())).toMatchObject({ status: "completed" });
  });

  test("is truncated if the second is unfinished, or never began", async () => {
    const truncated = { status: "failed", error: { code: "upstream_truncated" } };
    expect(await two(say("a"), stop(), say("b", 1))).toMatchObject(truncated);
    expect(await two(say("a"), stop())).toMatchObject(truncated);
  });

  test("is truncated if the first continues while the second finishes", async () => {
    expect(await two(say("a"), stop(), say("b"), say("c"), stop(1))).toMatchObject({
      status: "failed",
      error: { code: "upstream_truncated" },
    });
  });
});

describe("a complete chat answer whose connection stays open", () => {
  const soon: RelaySettings = { ...chat, route: { timeouts: { endMs: 40 } } };

  /** How the stream ends whose upstream sends this until its socket is closed. */
  async function lingers(after: ((exchange: ScriptedExchange) => void) | undefined) {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url, soon);
    const { terminal } = relay.open();
    const exchange = (await upstream.request()).sse().event(say("Hi")).event(stop());
    const timer = after && setInterval(() => after(exchange), 5);
    await exchange.closed;
    clearInterval(timer);
    expect(relay.records).toHaveLength(1);
    return await terminal;
  }

  test.each<[string, ((exchange: ScriptedExchange) => void) | undefined]>([
    ["nothing", undefined],
    ["comments for ever", (exchange) => exchange.chunk(": keep-alive\n\n")],
    ["events that say nothing, for ever", (exchange) => exchange.event({ choices: [] })],
    ["the same finish reason for ever", (exchange) => exchange.event(stop())],
  ])("ends some time later with %s after it, and the upstream's socket is closed", async (_what, after) => {
    expect(await lingers(after)).toMatchObject({ status: "completed", finish: "stop" });
  });

  test("has exact usage if that came in time", async () => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url, soon);
    const { terminal } = relay.open();
    const exchange = (await upstream.request()).sse().event(say("Hi")).event(stop());
    exchange.event({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } });
    await exchange.closed;
    expect((await terminal).usage).toEqual({ source: "exact", inputTokens: 7, outputTokens: 3 });
  });

  test("has the usual limits again when it continues", async () => {
    const { terminal } = await play(
      async (exchange, opened) => {
        exchange.sse().event(stop()).event(say("on"));
        await opened.received(2);
      },
      { ...chat, route: { timeouts: { endMs: 10, idleMs: 60 } } },
    );
    expect(terminal).toMatchObject({ status: "failed", error: { details: { timer: "idle" } } });
  });

  test("ends within five seconds by default", () => {
    expect(FIXED_TIMEOUTS.endMs).toBeLessThanOrEqual(5_000);
  });
});

const ANTHROPIC_STOP = ["message_stop", { type: "message_stop" }] as const;
const RESPONSE = ["response.completed", { type: "response.completed", response: { output: [] } }] as const;

describe.each(["\n", "\r", "\r\n", ""])("an answer whose last event ends with %j instead of a blank line", (end) => {
  test.each<[DialectName, string | undefined, object]>([
    ["openai-chat", undefined, stop()],
    ["anthropic-messages", ...ANTHROPIC_STOP],
    ["openai-responses", ...RESPONSE],
    ["plain-sse", undefined, { b: 1 }],
  ])("is completed in %s, with that event", async (dialect, name, value) => {
    const event = `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(value)}${end}`;
    const { terminal, data } = await play((exchange) => exchange.sse().event({ a: 1 }).chunk(event).end(), {
      dialect,
    });
    expect(terminal).toMatchObject({ status: "completed", lastSeq: 2 });
    expect(data.at(-1)).toBe(JSON.stringify(value));
  });

  test.each<[DialectName]>([["openai-chat"], ["anthropic-messages"], ["openai-responses"], ["plain-sse"]])(
    "is truncated in %s if that event is cut inside its JSON, and the event is not relayed",
    async (dialect) => {
      const { terminal, data } = await play(
        (exchange) => exchange.sse().event({ a: 1 }).chunk(`data: {"b":${end}`).end(),
        { dialect },
      );
      expect(terminal).toMatchObject({ status: "failed", lastSeq: 1, error: { code: "upstream_truncated" } });
      expect(data).toEqual(['{"a":1}']);
    },
  );
});

test("[DONE] needs no space, line end or blank line", async () => {
  const { terminal } = await play((exchange) => exchange.sse().event(say("Hi")).chunk("data:[DONE]").end(), chat);
  expect(terminal).toMatchObject({ status: "completed", lastSeq: 2 });
});

test("a complete chat answer whose usage chunk is cut is completed with estimated usage", async () => {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url, chat);
  const { terminal } = relay.open();
  const exchange = (await upstream.request()).sse().event(say("Hi")).event(stop());
  exchange.chunk('data: {"choices":[],"usage":{"prompt_tok').end();
  expect(await terminal).toMatchObject({ status: "completed", lastSeq: 2, usage: { source: "estimated" } });
  expect(relay.records[0]?.anomalies).toEqual({ upstream_truncated: 1 });
});

test("a unary answer that is cut inside its JSON is truncated even in plain SSE, and not relayed", async () => {
  const { terminal } = await play(
    (exchange) =>
      exchange.head(200, { "content-type": "application/json", connection: "close" }).write('{"a":[1').finish(),
    { dialect: "plain-sse", route: { jsonAnswer: true } },
  );
  expect(terminal).toMatchObject({ status: "failed", lastSeq: 0, error: { code: "upstream_truncated" } });
});

test("a cap cuts a choice that continues after its finish reason", async () => {
  await using upstream = await startScriptedUpstream();
  await using up = await openLeasedRelay(upstream.url, chat);
  const opened = up.open({ caller: callerOf({ tokensPerDay: 200 }), body: { max_tokens: 50 } });
  const exchange = (await upstream.request()).sse().event(say("a")).event(stop());
  exchange.event(say("word".repeat(300)));
  expect(await opened.terminal).toMatchObject({ status: "failed", error: { code: "cap_exceeded" }, finish: "length" });
  expect(opened.data.at(-1)).toBe("[DONE]");
});
