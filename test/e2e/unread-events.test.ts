/** An event that cannot be read, from the provider to every place that tells of it. */
import { expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const BROKEN = '{"choices":[{"index":0,"delta":{"content":"lost';
const said = { choices: [{ index: 0, delta: { content: "Hi" } }] };
const last = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };

async function setUp() {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  upstream.respondWith((exchange) => {
    exchange.sse().event(said).event(BROKEN).finishChat();
  });
  const gateway = stack.use(await startTestGateway({ upstream: upstream.url }));
  return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("a stream client gets it as raw text, and end counts it", async () => {
  await using up = await setUp();
  const client = await (await StreamClient.connect(up.gateway.url)).hello();
  client.send({ type: "open", id: "a", model: "gpt", body: { messages: [] } });
  const raw = await client.take((frame) => frame.type === "event" && frame.raw === true);
  expect(raw).toMatchObject({ seq: 2, data: BROKEN });
  expect(await client.take(({ type }) => type === "end")).toMatchObject({ status: "completed", unreadEvents: 1 });
  client.close();
  await client.closed;
});

test("a client of the vendor's API gets it unchanged", async () => {
  await using up = await setUp();
  const answer = await fetch(`${up.gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt", stream: true, messages: [] }),
  });
  const events = (await answer.text()).split("\n\n").filter((event) => event !== "");
  expect(events).toEqual(
    [said, BROKEN, last, "[DONE]"].map((data) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}`),
  );
});

test("the gateway's log line and metrics count it by kind", async () => {
  await using up = await setUp();
  const client = await (await StreamClient.connect(up.gateway.url)).hello();
  client.send({ type: "open", id: "a", model: "gpt", body: { messages: [] } });
  await client.take(({ type }) => type === "end");
  client.close();
  await client.closed;
  const line = up.gateway.log.lines.find(({ event }) => event === "stream");
  expect(line).toMatchObject({ status: "completed", anomalies: { malformed: 1 } });
  expect(JSON.stringify(line)).not.toContain("lost");
  const metrics = await (await fetch(`${up.gateway.url}/metrics`)).text();
  expect(metrics).toContain('sluice_anomalies_total{route="chat",kind="malformed"} 1');
});
