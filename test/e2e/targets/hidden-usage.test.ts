import { expect, test } from "@jest/globals";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const USAGE = { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 };

/** An upstream that sends the usage chunk to whom asked for it, as OpenAI does. */
function answer(exchange: ScriptedExchange): void {
  exchange
    .sse()
    .event({ choices: [{ index: 0, delta: { content: "hi" } }] })
    .event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  if (JSON.parse(exchange.body).stream_options?.include_usage) exchange.event({ choices: [], usage: USAGE });
  exchange.event("[DONE]").end();
}

async function stage() {
  const upstream = await startScriptedUpstream();
  upstream.respondWith(answer);
  const gateway = await startTestGateway({ upstream: upstream.url });
  return { upstream, gateway };
}

test("a stream client that did not ask for usage gets exact usage in end, and no usage chunk", async () => {
  const { upstream, gateway } = await stage();
  await using _upstream = upstream;
  await using _gateway = gateway;
  const client = await (await StreamClient.connect(gateway.url)).hello();
  const events = async (id: string, body: object) => {
    client.send({ type: "open", id, model: "gpt", body });
    const { events, end } = await client.rest(id);
    return { data: events.map(({ data }) => data), seqs: events.map(({ seq }) => seq), end };
  };
  const plain = await events("plain", { messages: [] });
  expect(plain.data).toEqual([
    { choices: [{ index: 0, delta: { content: "hi" } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    "[DONE]",
  ]);
  expect(plain.seqs).toEqual([1, 2, 3]);
  expect(plain.end).toMatchObject({ lastSeq: 3, usage: { source: "exact", inputTokens: 11, outputTokens: 2 } });
  const asked = await events("asked", { messages: [], stream_options: { include_usage: true } });
  expect(asked.data[2]).toEqual({ choices: [], usage: USAGE });
  expect(asked.seqs).toEqual([1, 2, 3, 4]);
  expect(asked.end.usage).toEqual(plain.end.usage);
  client.close();
});

test("an SSE reader that did not ask gets no usage chunk either", async () => {
  const { upstream, gateway } = await stage();
  await using _upstream = upstream;
  await using _gateway = gateway;
  const client = await (await StreamClient.connect(gateway.url)).hello();
  client.send({ type: "open", id: "a", model: "gpt", body: { messages: [] } });
  const opened = await client.take(({ type }) => type === "opened");
  await client.rest("a");
  const stream = "stream" in opened ? opened.stream : "";
  const text = await (await fetch(`${gateway.url}/v1/streams/${stream}/events?after=0`)).text();
  expect(text).toContain("[DONE]");
  expect(text).not.toContain("prompt_tokens");
  expect(text).toContain('"inputTokens":11');
  client.close();
});

test.each([
  [{}, false],
  [{ stream_options: { include_usage: false } }, false],
  [{ stream_options: { include_usage: true } }, true],
])("a client of chat completions that says %j sees the chunk: %s", async (options, isShown) => {
  const { upstream, gateway } = await stage();
  await using _upstream = upstream;
  await using _gateway = gateway;
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt", messages: [], stream: true, ...options }),
  });
  const text = await response.text();
  expect(text).toContain("[DONE]");
  expect(text.includes("prompt_tokens")).toBe(isShown);
});

test("a route with includeUsage false is not asked, and its usage is estimated", async () => {
  const { upstream, gateway: first } = await stage();
  await using _upstream = upstream;
  await first.close();
  const route = { dialect: "openai-chat", baseUrl: `${upstream.url}/v1`, includeUsage: false };
  const models = { gpt: { route: "chat", model: "gpt-test" } };
  await using gateway = await startTestGateway({ config: { routes: { chat: route }, models } });
  const client = await (await StreamClient.connect(gateway.url)).hello();
  client.send({ type: "open", id: "a", model: "gpt", body: { messages: [] } });
  expect((await client.rest("a")).end.usage).toMatchObject({ source: "estimated" });
  client.close();
});
