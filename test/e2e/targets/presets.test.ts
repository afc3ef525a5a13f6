import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { PROVIDER_NAMES, type ProviderName, providerNamed } from "../../../src/config/providers.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";
import { KEY, SHAPES } from "../../support/upstreams/provider-shapes.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let client: StreamClient;

beforeAll(async () => {
  upstream = await startScriptedUpstream();
  const routes = Object.fromEntries(
    PROVIDER_NAMES.map((preset) => {
      const { base, key } = SHAPES[preset];
      const more = { baseUrl: upstream.url + base, allowPrivateNetwork: true };
      return [preset, { preset, ...more, ...(key && { key: KEY }) }];
    }),
  );
  const models = Object.fromEntries(PROVIDER_NAMES.map((name) => [name, { route: name, model: `${name}-model` }]));
  gateway = await startTestGateway({ config: { routes, models } });
  client = await (await StreamClient.connect(gateway.url)).hello();
});

afterAll(async () => {
  client.close();
  await gateway.close();
  await upstream.close();
});

/** Opens a stream on the preset's model; the answer is left to the test. */
async function call(preset: ProviderName, id: string) {
  const stream = client.run(id, { model: preset, body: { messages: [] } });
  return { stream, exchange: await upstream.request() };
}

describe.each(PROVIDER_NAMES)("the preset %s", (preset) => {
  const shape = SHAPES[preset];

  test("calls its provider's path with its key where it wants it, and asks for usage where that is known", async () => {
    const { stream, exchange } = await call(preset, `${preset}-request`);
    exchange.sse().chunk(shape.answer).end();
    await stream;
    expect(exchange.path).toBe(shape.path);
    const sent = ["authorization", "x-api-key", "x-goog-api-key", "api-key"].filter((name) => name in exchange.headers);
    expect(sent.map((name) => [name, exchange.headers[name]])).toEqual(shape.key ? [shape.key] : []);
    const body = JSON.parse(exchange.body);
    // Google has the model in the path.
    expect(body.model ?? shape.path).toContain(`${preset}-model`);
    expect(body.stream_options?.include_usage).toBe(shape.asksUsage ? true : undefined);
  });

  test("reads its provider's answer to the end, with its exact usage and without a comment", async () => {
    const { stream, exchange } = await call(preset, `${preset}-answer`);
    exchange.sse().chunk(shape.answer).end();
    const { events, end } = await stream;
    expect([end.status, end.finish]).toEqual(["completed", shape.finish]);
    expect(end.usage).toMatchObject({ source: "exact", ...shape.usage });
    expect(end).not.toHaveProperty("unreadEvents");
    expect(JSON.stringify(events)).not.toMatch(/PROCESSING|keep-alive/);
  });
});

test("an error in the middle of OpenRouter's 200 ends the stream with its code and message", async () => {
  const { stream, exchange } = await call("openrouter", "openrouter-error");
  const error = { code: 502, message: "Provider disconnected" };
  const failed = { id: "gen-1", error, choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }] };
  exchange.sse().event({ choices: [{ index: 0, delta: { content: "He" } }] });
  exchange.event(failed).end();
  expect((await stream).end).toMatchObject({
    status: "failed",
    error: { code: "upstream_error_event", message: "Provider disconnected" },
  });
});

test("a preset's own address has the path that its shape is tried with", () => {
  for (const name of PROVIDER_NAMES) {
    const provider = providerNamed(name);
    const address = provider?.route.baseUrl ?? provider?.addressForm?.replace(/<\w+>/g, "mine") ?? "";
    expect([name, new URL(address).pathname.replace(/\/$/, "")]).toEqual([name, SHAPES[name].base]);
  }
});
