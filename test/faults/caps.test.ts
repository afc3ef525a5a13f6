import { describe, expect, test } from "@jest/globals";
import type { DialectName } from "../../protocol/dialects.ts";
import type { Caps } from "../../src/core/caller/caller.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import type { RelaySettings } from "../support/relay/relayed-stream.ts";
import { callerOf, openLeasedRelay } from "../support/relay/reserving-relay.ts";
import { whole } from "../support/upstreams/anthropic-script.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

async function setUp(settings: RelaySettings = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const up = stack.use(await openLeasedRelay(upstream.url, settings));
  return { ...up, upstream, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const chunk = (content: string) => ({ id: "c", model: "m", choices: [{ index: 0, delta: { content } }] });

/** What each dialect writes: its beginning, and then a token at a time. */
const WORDS: Readonly<Record<string, readonly [begin: readonly object[], token: object, path: string]>> = {
  "openai-chat": [[], chunk("word"), "/chat/completions"],
  "anthropic-messages": [
    [
      { type: "message_start", message: { usage: { input_tokens: 10, output_tokens: 0 } } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    ],
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "word" } },
    "/v1/messages",
  ],
  "openai-responses": [
    [{ type: "response.created", sequence_number: 0, response: { id: "resp_1" } }],
    { type: "response.output_text.delta", delta: "word" },
    "/responses",
  ],
};

/** Writes tokens until it is hung up on, or there were enough; a few a loop turn, as fast as they are taken. */
async function write(exchange: ScriptedExchange, dialect: DialectName, tokens: number): Promise<number> {
  const [begin, token] = WORDS[dialect] ?? [[], {}];
  exchange.sse();
  for (const event of begin) exchange.event(event);
  let written = 0;
  for (; written < tokens && !exchange.isClosed; written++) {
    exchange.event(token);
    if (written % 4 === 3) await new Promise((turn) => setImmediate(turn));
  }
  return written;
}

describe("C18: a cap reached midway", () => {
  test.each([
    ["anthropic-messages", "max_tokens", '{"type":"message_stop"}'],
    ["openai-chat", "length", "[DONE]"],
    ["openai-responses", "max_output_tokens", '"reason":"max_output_tokens"'],
  ] as const)("ends an answer of %s as its provider would, keeps what came, and stops the upstream", async (...row) => {
    const [dialect, finish, last] = row;
    await using up = await setUp({ dialect });
    const opened = up.open({ caller: callerOf({ tokensPerDay: 100 }) });
    const exchange = await up.upstream.request();
    const written = write(exchange, dialect, 10_000);
    const terminal = await opened.terminal;
    expect(terminal).toMatchObject({
      status: "failed",
      finish,
      error: { code: "cap_exceeded", retryable: false, details: { caller: "ci", cap: "tokensPerDay", limit: 100 } },
      usage: { source: "estimated" },
    });
    const { inputTokens = 0, outputTokens = 0 } = terminal.usage;
    // The event that passes the cap is the last.
    expect(inputTokens + outputTokens).toBe(101);
    expect(opened.data.filter((data) => data.includes('"word"'))).toHaveLength(outputTokens);
    expect(opened.data.at(-1)).toContain(last);
    expect(terminal.lastSeq).toBe(opened.data.length);
    await exchange.closed;
    expect(await written).toBeLessThan(10_000);
  });

  test("on a plain route counts every byte of its data", async () => {
    await using up = await setUp({ dialect: "plain-sse" });
    const opened = up.open({ caller: callerOf({ tokensPerDay: 100 }) });
    const exchange = await up.upstream.request();
    exchange.sse();
    for (let events = 0; events < 60; events++) exchange.event("12345678");
    expect(await opened.terminal).toMatchObject({ status: "failed", error: { code: "cap_exceeded" } });
    expect(opened.data.length).toBeLessThan(51);
  });

  test("counts the provider's figures once they arrive", async () => {
    await using up = await setUp({ dialect: "openai-chat" });
    const opened = up.open({ caller: callerOf({ tokensPerDay: 1_000 }) });
    const exchange = (await up.upstream.request()).sse();
    exchange.event({ ...chunk("a"), usage: { prompt_tokens: 900, completion_tokens: 100 } });
    exchange.event({ ...chunk("b"), usage: { prompt_tokens: 900, completion_tokens: 101 } });
    expect(await opened.terminal).toMatchObject({
      error: { code: "cap_exceeded" },
      usage: { inputTokens: 900, outputTokens: 101 },
    });
  });

  test("lets an answer that uses exactly what is left come to its own end", async () => {
    await using up = await setUp({ dialect: "openai-chat" });
    const opened = up.open({ body: { max_tokens: 50 }, caller: callerOf({ tokensPerDay: 1_000 }) });
    const exchange = (await up.upstream.request()).sse();
    const usage = { prompt_tokens: 900, completion_tokens: 100 };
    exchange.event({ ...chunk("a"), usage });
    exchange.event({ choices: [{ index: 0, delta: {}, finish_reason: "length" }] });
    exchange.event({ choices: [], usage }).event("[DONE]").end();
    expect(await opened.terminal).toMatchObject({
      ...{ status: "completed", finish: "length" },
      usage: { source: "exact", inputTokens: 900, outputTokens: 100 },
    });
    expect(() => up.open({ caller: callerOf({ tokensPerDay: 1_000 }) })).toThrow("ci has used up its tokens per day");
  });

  test("spares an answer whose provider has sent a finish reason", async () => {
    await using up = await setUp();
    const opened = up.open({ body: { max_tokens: 20 }, caller: callerOf({ tokensPerDay: 60 }) });
    const exchange = (await up.upstream.request()).sse();
    exchange.event({ type: "message_start", message: { usage: { input_tokens: 40 } } });
    exchange.event({ type: "message_delta", delta: { stop_reason: "max_tokens" }, usage: { output_tokens: 20 } });
    exchange.event({ type: "message_stop" });
    expect(await opened.terminal).toMatchObject({ status: "completed", usage: { source: "exact", outputTokens: 20 } });
    expect(() => up.open({ caller: callerOf({ tokensPerDay: 60 }) })).toThrow("ci has used up its tokens per day (60)");
  });
});

describe("a cap under 64 streams at once", () => {
  test("holds to the token by the upstream's own count if requests set limits", async () => {
    await using up = await setUp({ dialect: "anthropic-messages" });
    const cap = 5_000;
    let billed = 0;
    up.upstream.respondWith(async (exchange) => {
      const { max_tokens } = JSON.parse(exchange.body) as { max_tokens: number };
      const written = await write(exchange, "anthropic-messages", max_tokens);
      billed += 10 + written;
      const usage = { input_tokens: 10, output_tokens: written };
      exchange.event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage });
      exchange.event({ type: "message_stop" }).end();
    });
    const body = { max_tokens: 400, messages: [{ role: "user", content: "" }] };
    const caller = callerOf({ tokensPerDay: cap });
    const codes: string[] = [];
    const terminals = Array.from({ length: 64 }, () => {
      try {
        return up.open({ body, caller }).terminal;
      } catch (error) {
        codes.push((error as GatewayError).code);
        return undefined;
      }
    });
    const ends = await Promise.all(terminals.filter((terminal) => terminal !== undefined));
    expect(ends.length).toBeGreaterThan(8);
    expect(new Set(codes)).toEqual(new Set(["too_many_streams"]));
    expect(billed).toBeGreaterThan(cap / 2);
    expect(billed).toBeLessThanOrEqual(cap);
    expect(up.ledger.closed).toHaveLength(ends.length);
  });

  test("holds within one event if no limits are set and every answer is endless", async () => {
    await using up = await setUp({ dialect: "openai-chat" });
    const cap = 560_000;
    const caller = callerOf({ tokensPerDay: cap });
    const text = "x".repeat(4_000);
    up.upstream.respondWith(async (exchange) => {
      exchange.sse();
      while (!exchange.isClosed) {
        exchange.event(chunk(text));
        await new Promise((turn) => setImmediate(turn));
      }
    });
    const opened = Array.from({ length: 64 }, () => up.open({ caller, body: { messages: [] } }));
    const ends = await Promise.all(opened.map(({ terminal }) => terminal));
    for (const { error } of ends) expect(error?.code).toBe("cap_exceeded");
    const spent = ends.reduce((sum, { usage }) => sum + (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0), 0);
    const read = opened.flatMap(({ data }) => data).filter((data) => data.includes(text)).length * 1_000;
    expect(read).toBeLessThanOrEqual(cap + 1_000);
    expect(spent).toBeGreaterThanOrEqual(cap);
    expect(spent).toBeLessThanOrEqual(cap + 1_000);
  });
});

describe("a reservation", () => {
  const caller = callerOf({ concurrentStreams: 1, tokensPerDay: 30_000 });

  /** Every way out, and what its stream ends with. */
  const WAYS: readonly [string, string, (up: Awaited<ReturnType<typeof setUp>>) => Promise<unknown>][] = [
    [
      "completed",
      "completed",
      async (up) => {
        const { terminal } = up.open({ caller });
        whole((await up.upstream.request()).sse()).end();
        return terminal;
      },
    ],
    [
      "cancelled by its client",
      "cancelled",
      async (up) => {
        const { stream, terminal } = up.open({ caller });
        await up.upstream.request();
        stream.cancel(new GatewayError("cancelled"));
        return terminal;
      },
    ],
    [
      "left by its client",
      "cancelled",
      async (up) => {
        const { stream, terminal } = up.open({ caller });
        stream.cancel(new GatewayError("client_gone"));
        return terminal;
      },
    ],
    [
      "refused by its upstream",
      "failed",
      async (up) => {
        const { terminal } = up.open({ caller });
        (await up.upstream.request()).json(400, { error: { message: "no" } });
        return terminal;
      },
    ],
    [
      "cut short by its upstream",
      "failed",
      async (up) => {
        const { terminal } = up.open({ caller });
        (await up.upstream.request()).sse().event({ type: "message_start", message: {} }).end();
        return terminal;
      },
    ],
    [
      "told of an error by its upstream",
      "failed",
      async (up) => {
        const { terminal } = up.open({ caller });
        (await up.upstream.request()).sse().event({ type: "error", error: { type: "overloaded_error" } });
        return terminal;
      },
    ],
    [
      "cut at its cap",
      "failed",
      async (up) => {
        const { terminal } = up.open({ caller: callerOf({ concurrentStreams: 1, tokensPerDay: 100 }) });
        void write(await up.upstream.request(), "anthropic-messages", 10_000);
        return terminal;
      },
    ],
  ];

  test.each(WAYS)("of a stream that was %s is released, and its row closed once", async (_, status, leave) => {
    await using up = await setUp();
    expect(await leave(up)).toMatchObject({ status });
    expect(up.ledger.closed.map(({ stream, outcome }) => [stream, outcome])).toEqual([["s_1", status]]);
    const next = up.open({ caller });
    expect(() => up.open({ caller })).toThrow("ci may run 1 streams at once");
    next.stream.cancel(new GatewayError("cancelled"));
    up.open({ caller });
  });

  test("of a stream ended by a stopping gateway is settled", async () => {
    await using up = await setUp();
    const { terminal } = up.open({ caller });
    up.relay.stop(new GatewayError("shutting_down"));
    expect(await terminal).toMatchObject({ status: "failed", error: { code: "shutting_down" } });
    expect(up.ledger.closed).toMatchObject([{ outcome: "failed", code: "shutting_down" }]);
  });

  test("of a request that the ledger has no room for leaves nothing reserved", async () => {
    await using up = await setUp();
    up.ledger.open = () => {
      throw new GatewayError("ledger_unavailable");
    };
    for (let times = 0; times < 3; times++) expect(() => up.open({ caller })).toThrow("usage cannot be recorded");
  });
});

describe("the limit sent upstream", () => {
  const sent = async (dialect: DialectName, caps: Caps, body: object, price?: RelaySettings["price"]) => {
    await using up = await setUp({ dialect, ...(price && { price }) });
    up.open({ body: { ...body, messages: "x".repeat(30) }, caller: callerOf(caps) });
    return JSON.parse((await up.upstream.request()).body) as Record<string, unknown>;
  };

  test("is the requested one while enough is left", async () => {
    expect(await sent("anthropic-messages", { tokensPerDay: 9_000 }, {})).toMatchObject({ max_tokens: 8_192 });
  });

  test("is what is left of the day's tokens", async () => {
    const { max_tokens } = await sent("anthropic-messages", { tokensPerDay: 1_000 }, {});
    expect(max_tokens).toBeGreaterThan(950);
    expect(max_tokens).toBeLessThan(1_000);
  });

  test("is what is left of the month's money", async () => {
    const price = { input: 0, output: 1_000 };
    expect(await sent("anthropic-messages", { costPerMonth: 0.5 }, {}, price)).toMatchObject({ max_tokens: 500 });
  });

  test("is added if the client set none and the dialect has a single name for it", async () => {
    expect(await sent("openai-responses", { tokensPerDay: 1_000 }, {})).toHaveProperty("max_output_tokens");
    expect(await sent("openai-chat", { tokensPerDay: 1_000 }, {})).not.toHaveProperty("max_tokens");
  });
});

describe("the ledger's row", () => {
  test("exists before the upstream is called, and says who, what and when", async () => {
    await using up = await setUp({ price: { input: 1, output: 2 } });
    const opened = up.open({ caller: callerOf({}) });
    expect(up.ledger.opened).toMatchObject([
      {
        stream: "s_1",
        caller: "ci",
        keyId: "key_ci",
        face: "test",
        route: "test",
        model: "test",
        upstreamModel: "test",
      },
    ]);
    whole((await up.upstream.request()).sse()).end();
    await opened.terminal;
    // 10 tokens in at 1 and 5 out at 2 a million, in billionths.
    expect(up.ledger.closed).toMatchObject([{ stream: "s_1", outcome: "completed", costNano: 20_000, events: 4 }]);
  });

  test("is written for callers without a key too", async () => {
    await using up = await setUp();
    const { terminal } = up.open();
    whole((await up.upstream.request()).sse()).end();
    await terminal;
    expect(up.ledger.opened).toMatchObject([{ caller: "tester", keyId: undefined }]);
    expect(up.ledger.closed).toMatchObject([{ outcome: "completed", costNano: undefined }]);
  });

  test("delays the upstream call in strict mode until it is committed", async () => {
    await using up = await setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    up.ledger.commit = promise;
    const { terminal } = up.open();
    await new Promise((turn) => setImmediate(turn));
    expect(up.upstream.connections).toBe(0);
    resolve();
    whole((await up.upstream.request()).sse()).end();
    expect((await terminal).status).toBe("completed");
  });

  test("that cannot be committed in strict mode fails its stream without an upstream call", async () => {
    await using up = await setUp();
    up.ledger.commit = Promise.reject(new GatewayError("ledger_unavailable"));
    expect(await up.open({ caller: callerOf({ tokensPerDay: 9_999 }) }).terminal).toMatchObject({
      error: { code: "ledger_unavailable" },
      usage: { source: "exact", inputTokens: 0, outputTokens: 0 },
    });
    expect(up.upstream.connections).toBe(0);
    expect(up.ledger.closed).toMatchObject([{ code: "ledger_unavailable" }]);
  });

  test("of a stream cancelled while it waits is closed, without an upstream call", async () => {
    await using up = await setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    up.ledger.commit = promise;
    const { stream, terminal } = up.open();
    stream.cancel(new GatewayError("cancelled"));
    resolve();
    expect((await terminal).status).toBe("cancelled");
    await new Promise((turn) => setImmediate(turn));
    expect(up.upstream.connections).toBe(0);
  });

  test("is required only by keys with caps: they are refused while it cannot be written", async () => {
    await using up = await setUp();
    up.ledger.available = false;
    expect(() => up.open({ caller: callerOf({ tokensPerDay: 1_000_000 }) })).toThrow("its usage cannot be recorded");
    up.open({ caller: callerOf({ requestsPerMinute: 10 }) });
    up.open();
  });
});
