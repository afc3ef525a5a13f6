import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import Anthropic from "@anthropic-ai/sdk";
import { describe, expect, test } from "@jest/globals";
import OpenAI from "openai";
import type { ServerFrame } from "../../protocol/stream.ts";
import type { GatewayKey } from "../../src/core/caller/key-ring.ts";
import { KeyDatabase } from "../../src/storage/keys/key-database.ts";
import { LEDGER_FILE } from "../../src/storage/ledger/ledger-database.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../support/gateways/gateway-key.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { type Script, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();
const messages = [{ role: "user" as const, content: "Hi" }];
/** A hundred tokens by the estimate. */
const TEXT = "word".repeat(100);

const chunk = {
  id: "c",
  object: "chat.completion.chunk",
  model: "m",
  choices: [{ index: 0, delta: { content: TEXT } }],
};
const usage = { input_tokens: 5, output_tokens: 0 };
const message = { id: "msg_1", type: "message", role: "assistant", model: "m", content: [], usage };
const response = { id: "resp_1", object: "response", model: "m", output: [] };
const part = { type: "output_text", text: "", annotations: [] };
const item = { id: "msg_1", type: "message", role: "assistant", status: "in_progress", content: [] };
const place = { output_index: 0, content_index: 0, item_id: "msg_1" };

/** How an answer of each API begins, and what it then says again and again. */
const ANSWERS: Readonly<Record<string, readonly [begin: readonly { type: string }[], more: object]>> = {
  "/v1/chat/completions": [[], chunk],
  "/v1/messages": [
    [
      { type: "message_start", message } as { type: string },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } } as { type: string },
    ],
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: TEXT } },
  ],
  "/v1/responses": [
    [
      { type: "response.created", sequence_number: 0, response } as { type: string },
      { type: "response.output_item.added", sequence_number: 1, output_index: 0, item } as { type: string },
      { type: "response.content_part.added", sequence_number: 2, ...place, part } as { type: string },
    ],
    { type: "response.output_text.delta", sequence_number: 3, ...place, delta: TEXT },
  ],
};

/** Never comes to an end by itself. */
const endless: Script = async (exchange) => {
  const [begin, more] = ANSWERS[exchange.path] ?? [[], {}];
  exchange.sse();
  for (const event of begin) exchange.event(event, event.type);
  while (!exchange.isClosed) {
    exchange.event(more, (more as { type?: string }).type);
    await new Promise((turn) => setImmediate(turn));
  }
};

/** A gateway with one key, whose upstream never stops talking. */
async function setUp(key: Partial<GatewayKey>, path = directory()) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  upstream.respondWith(endless);
  const secret = freshSecret();
  const store = new KeyDatabase(path);
  store.add(keyFor("ci", secret, key));
  store.close();
  const config = { data: { directory: path }, limits: { streamsPerConnection: 100, streams: { opensBurst: 1_000 } } };
  const start = async () => startTestGateway({ upstream: upstream.url, config });
  const gateway = stack.use(await start());
  return { upstream, gateway, secret, start, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("a key's cap", () => {
  test("holds for 64 streams at once on one socket, and names the caller, the cap and its reset", async () => {
    const cap = 550_000;
    await using up = await setUp({ caps: { tokensPerDay: cap } });
    // None is answered before all are there: what the first ones used would be missing for the last one.
    const all = Promise.withResolvers<void>();
    let asked = 0;
    up.upstream.respondWith(async (exchange) => {
      if (++asked === 64) all.resolve();
      await all.promise;
      await endless(exchange);
    });
    const client = await (await StreamClient.connect(up.gateway.url, { token: up.secret })).hello();
    for (let stream = 0; stream < 64; stream++) {
      client.send({ type: "open", id: `s${stream}`, model: "gpt", flow: "none", body: { messages } });
    }
    const isEnd = (frame: ServerFrame) => frame.type === "end" || frame.type === "error";
    let spent = 0;
    for (let ended = 0; ended < 64; ended++) {
      const frame = await client.take(isEnd);
      if (frame.type !== "end") throw new Error(`it was refused: ${JSON.stringify(frame)}`);
      expect(frame).toMatchObject({
        status: "failed",
        finish: "length",
        error: { code: "cap_exceeded", retryable: false, details: { caller: "ci", cap: "tokensPerDay", limit: cap } },
      });
      spent += (frame.usage.inputTokens ?? 0) + (frame.usage.outputTokens ?? 0);
    }
    expect(spent).toBeGreaterThanOrEqual(cap);
    expect(spent).toBeLessThanOrEqual(cap + 100);
    client.send({ type: "open", id: "late", model: "gpt", body: { messages } });
    const midnight = new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000).toISOString();
    expect(await client.take(({ type }) => type === "error")).toMatchObject({
      id: "late",
      error: { code: "cap_exceeded", retryable: false, details: { caller: "ci", resetsAt: midnight } },
    });
    client.close();
    await client.closed;
  });

  test("survives a restart", async () => {
    await using up = await setUp({ caps: { tokensPerMonth: 10_000 } });
    const visit = async (url: string) => {
      const client = await (await StreamClient.connect(url, { token: up.secret })).hello();
      client.send({ type: "open", id: "a", model: "gpt", flow: "none", body: { messages } });
      const frame = await client.take(({ type }) => type === "end" || type === "error");
      client.close();
      await client.closed;
      return frame;
    };
    expect(await visit(up.gateway.url)).toMatchObject({ type: "end", error: { code: "cap_exceeded" } });
    await up.gateway.close();
    await using next = await up.start();
    expect(await visit(next.url)).toMatchObject({
      type: "error",
      error: { code: "cap_exceeded", details: { cap: "tokensPerMonth", limit: 10_000 } },
    });
  });
});

test("a cancelled stream of a draining key ends at once, and its row is exact once its usage has come", async () => {
  const path = directory();
  await using up = await setUp({ onAbort: "drain" }, path);
  const ending = Promise.withResolvers<void>();
  up.upstream.respondWith(async (exchange) => {
    exchange.sse().event(chunk);
    await ending.promise;
    const last = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
    exchange
      .event(last)
      .event({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 123 } })
      .event("[DONE]")
      .end();
  });
  using ledger = new DatabaseSync(join(path, LEDGER_FILE), { readOnly: true });
  const row = async (source: string) => {
    for (;;) {
      const found = ledger.prepare("SELECT * FROM streams WHERE source = ?").get(source);
      if (found) return { ...found };
      await new Promise((turn) => setImmediate(turn));
    }
  };
  const client = await (await StreamClient.connect(up.gateway.url, { token: up.secret })).hello();
  client.send({ type: "open", id: "a", model: "gpt", body: { messages } });
  await client.take(({ type }) => type === "event");
  client.send({ type: "cancel", id: "a" });
  expect(await client.take(({ type }) => type === "end")).toMatchObject({ status: "cancelled", lastSeq: 1 });
  expect(await row("estimated")).toMatchObject({ outcome: "cancelled", output_tokens: 100 });
  ending.resolve();
  expect(await row("exact")).toMatchObject({ outcome: "cancelled", input_tokens: 7, output_tokens: 123 });
  client.close();
  await client.closed;
});

test("a cap ends an OpenClaw run with its partial text, and refuses the next one in words", async () => {
  await using up = await setUp({ scopes: ["chat"], caps: { tokensPerDay: 2_000 } });
  const client = await OpenClawClient.dial(up.gateway.url);
  await client.connect({ token: up.secret, scopes: ["operator.read", "operator.write"] });
  const send = (runId: string) =>
    client.request("chat.send", { sessionKey: "main", message: "Hi", idempotencyKey: runId });
  await send("r1");
  const cut = await client.ended("r1");
  expect(cut).toMatchObject({
    state: "error",
    errorMessage: expect.stringContaining("used up its tokens per day (2000)"),
  });
  expect(client.textOf("r1").length).toBeGreaterThan(7_000);
  await send("r2");
  expect(await client.ended("r2")).toMatchObject({
    state: "error",
    errorDetail: { providerRuntimeFailureKind: "cap_exceeded" },
  });
  client.hangUp();
});

describe("a cap, to the vendors' own clients,", () => {
  const key = { scopes: ["streams"], caps: { tokensPerDay: 2_000 } } as const;

  test("is an answer that ends for its length, then insufficient_quota, on chat completions", async () => {
    await using up = await setUp(key);
    const client = new OpenAI({ apiKey: up.secret, baseURL: `${up.gateway.url}/v1` });
    const ask = () => client.chat.completions.create({ model: "gpt", stream: true, messages });
    let text = "";
    let finish: string | null = null;
    for await (const { choices } of await ask()) {
      text += choices[0]?.delta.content ?? "";
      finish = choices[0]?.finish_reason ?? finish;
    }
    expect(finish).toBe("length");
    expect(text.length).toBeGreaterThan(7_600);
    expect(text.length).toBeLessThanOrEqual(8_400);
    const before = up.upstream.requests;
    await expect(ask()).rejects.toMatchObject({ status: 400, code: "insufficient_quota" });
    expect(up.upstream.requests).toBe(before);
  });

  test("is an incomplete response on responses", async () => {
    await using up = await setUp(key);
    const client = new OpenAI({ apiKey: up.secret, baseURL: `${up.gateway.url}/v1` });
    const stream = client.responses.stream({ model: "responses", input: "Hi" });
    const whole = await stream.finalResponse();
    expect(whole).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
    expect(whole.output_text.length).toBeGreaterThan(7_600);
    await expect(client.responses.create({ model: "responses", input: "Hi" })).rejects.toMatchObject({
      code: "insufficient_quota",
    });
  });

  test("is a message that stops for max_tokens, then an error that is not retried, on messages", async () => {
    await using up = await setUp(key);
    const client = new Anthropic({ apiKey: up.secret, baseURL: up.gateway.url });
    const said = await client.messages.stream({ model: "claude", max_tokens: 5_000, messages }).finalMessage();
    expect(said.stop_reason).toBe("max_tokens");
    expect(said.usage.output_tokens).toBeGreaterThan(1_900);
    const again = client.messages.create({ model: "claude", max_tokens: 5_000, messages });
    await expect(again).rejects.toMatchObject({
      status: 402,
      type: "billing_error",
      message: expect.stringContaining("used up its tokens per day"),
    });
  });
});
