/** Chats and streams over the Gemini API. */
import { describe, expect, test } from "@jest/globals";
import { AiChat } from "../support/clients/ai-chat.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const piece = (parts: readonly object[], finishReason?: string) => ({
  candidates: [{ content: { parts, role: "model" }, ...(finishReason && { finishReason }), index: 0 }],
  usageMetadata: {
    promptTokenCount: 1_000,
    cachedContentTokenCount: 400,
    toolUsePromptTokenCount: 100,
    candidatesTokenCount: 20,
    thoughtsTokenCount: 30,
    totalTokenCount: 1_150,
  },
  responseId: "r1",
});
const say = (exchange: ScriptedExchange, text: string) =>
  exchange
    .sse()
    .event(piece([{ text }]))
    .event(piece([{ text: "" }], "STOP"))
    .end();
const bodyOf = (exchange: ScriptedExchange) => JSON.parse(exchange.body);

test("an AI SDK chat runs a tool, and its result goes back with the call's own signature", async () => {
  await using upstream = await startScriptedUpstream();
  await using gateway = await startTestGateway({ upstream: upstream.url });
  const parameters = { type: "object", properties: { place: { type: "string" } } };
  const body = { model: "gemini", tools: [{ name: "tide", parameters }] };
  using chat = new AiChat(gateway.url, { body, tool: () => "at six" });
  const sending = chat.sendMessage({ text: "When?" });
  const first = await upstream.request();
  expect(bodyOf(first).tools).toEqual([{ functionDeclarations: [{ name: "tide", parametersJsonSchema: parameters }] }]);
  const call = { functionCall: { name: "tide", args: { place: "Husum" } }, thoughtSignature: "c2ln+/8=" };
  first
    .sse()
    .event(piece([call]))
    .event(piece([{ text: "" }], "STOP"))
    .end();
  const second = await upstream.request();
  const { args, name } = call.functionCall;
  const id = "call_r1_0";
  expect(bodyOf(second).contents.slice(1)).toEqual([
    { role: "model", parts: [{ functionCall: { id, name, args }, thoughtSignature: "c2ln+/8=" }] },
    { role: "user", parts: [{ functionResponse: { id, name, response: { output: "at six" } } }] },
  ]);
  say(second, "At six.");
  await sending;
  expect(chat.said).toBe("At six.");
});

test("an OpenClaw chat shows the answer and its usage, and sends it with the next question", async () => {
  await using upstream = await startScriptedUpstream();
  await using gateway = await startTestGateway({ upstream: upstream.url });
  const client = await OpenClawClient.dial(gateway.url);
  await client.connect({ scopes: ["operator.read", "operator.write", "operator.admin"] });
  await client.request("sessions.patch", { key: "main", model: "gemini" });
  const ask = (id: string) => client.request("chat.send", { sessionKey: "main", message: id, idempotencyKey: id });
  await ask("r1");
  say(await upstream.request(), "hello");
  expect(await client.ended("r1")).toMatchObject({ state: "final", message: { content: [{ text: "hello" }] } });
  await ask("r2");
  const exchange = await upstream.request();
  expect(bodyOf(exchange).contents).toMatchObject([
    { role: "user" },
    { role: "model", parts: [{ text: "hello" }] },
    { role: "user" },
  ]);
  say(exchange, "again");
  await client.ended("r2");
});

test("the stream face relays it, and says how it ended and what it used", async () => {
  await using upstream = await startScriptedUpstream();
  await using gateway = await startTestGateway({ upstream: upstream.url });
  await using client = await (await StreamClient.connect(gateway.url)).hello();
  const running = client.run("a", { model: "gemini", body: { contents: [] } });
  const exchange = await upstream.request();
  expect(exchange.path).toBe("/v1beta/models/gemini-test:streamGenerateContent?alt=sse");
  say(exchange, "hello");
  const { events, end } = await running;
  expect(events.map(({ data }) => data)).toEqual([piece([{ text: "hello" }]), piece([{ text: "" }], "STOP")]);
  expect(end).toMatchObject({
    status: "completed",
    finish: "STOP",
    usage: { source: "exact", inputTokens: 1_100, outputTokens: 50, cacheReadTokens: 400, reasoningTokens: 30 },
  });
});

test("a body that ends without a finish reason is a cut, and a connection that breaks behind one is none", async () => {
  await using upstream = await startScriptedUpstream();
  await using gateway = await startTestGateway({ upstream: upstream.url });
  await using client = await (await StreamClient.connect(gateway.url)).hello();
  const cut = client.run("a", { model: "gemini", body: { contents: [] } });
  (await upstream.request())
    .sse()
    .event(piece([{ text: "hel" }]))
    .end();
  expect((await cut).end).toMatchObject({ status: "failed", error: { code: "upstream_truncated" } });
  client.send({ type: "open", id: "b", model: "gemini", body: { contents: [] } });
  const exchange = (await upstream.request()).sse().event(piece([{ text: "hello" }], "STOP"));
  await client.take((frame) => frame.type === "event" && frame.id === "b");
  exchange.reset();
  expect((await client.rest("b")).end).toMatchObject({ status: "completed", finish: "STOP" });
});

describe("a model whose first target fails", () => {
  const start = (bad: string, good: string) =>
    startTestGateway({
      config: {
        routes: {
          first: { dialect: "anthropic-messages", baseUrl: bad, key: "sk-first-key" },
          second: { dialect: "google-gemini", baseUrl: `${good}/v1beta`, key: "sk-second-key" },
          third: { dialect: "google-gemini", baseUrl: `${good}/third`, key: "sk-third-key" },
        },
        models: {
          mixed: {
            targets: [
              { route: "first", model: "m1" },
              { route: "second", model: "m2" },
            ],
          },
          gemini: {
            targets: [
              { route: "second", model: "m2" },
              { route: "third", model: "m3" },
            ],
          },
        },
      },
    });

  test("is answered by Gemini in a chat, from a conversation in its dialect", async () => {
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    bad.respondWith((exchange) => void exchange.json(529, { error: { type: "overloaded_error", message: "busy" } }));
    await using gateway = await start(bad.url, good.url);
    using chat = new AiChat(gateway.url, { body: { model: "mixed" } });
    const sending = chat.sendMessage({ text: "Hi" });
    const exchange = await good.request();
    expect(exchange.path).toBe("/v1beta/models/m2:streamGenerateContent?alt=sse");
    expect(bodyOf(exchange)).toEqual({ contents: [{ role: "user", parts: [{ text: "Hi" }] }] });
    say(exchange, "hello");
    await sending;
    expect(chat.said).toBe("hello");
  });

  test("is tried on the next one under that one's own model, for Google's clients", async () => {
    await using good = await startScriptedUpstream();
    await using gateway = await start("http://127.0.0.1:1", good.url);
    const asking = fetch(`${gateway.url}/v1beta/models/gemini:streamGenerateContent?alt=sse`, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "GeminiCLI/0.61.0/gemini (linux; x64; terminal)" },
      body: JSON.stringify({ contents: [] }),
    });
    const error = { code: 503, message: "busy", status: "UNAVAILABLE" };
    (await good.request()).json(503, { error });
    const exchange = await good.request();
    expect(exchange.path).toBe("/third/models/m3:streamGenerateContent?alt=sse");
    say(exchange, "hello");
    expect(await (await asking).text()).toContain("hello");
  });
});
