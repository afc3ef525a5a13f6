import { describe, expect, test } from "@jest/globals";
import { KeyDatabase } from "../../../../src/storage/keys/key-database.ts";
import { ResponsesSocketClient } from "../../../support/clients/responses-socket-client.ts";
import { freshSecret, keyFor } from "../../../support/gateways/gateway-key.ts";
import { startKeyedGateway } from "../../../support/gateways/keyed-gateway.ts";
import { temporaryDirectories } from "../../../support/stores/temporary-directory.ts";
import { responseEvents } from "../../../support/upstreams/responses-script.ts";
import { setUp } from "./set-up.ts";

const directory = temporaryDirectories();

describe("a refusal that a retry cannot help", () => {
  test("at an exhausted cap is insufficient_quota with 429 and no headers, at which Codex stops at once", async () => {
    const path = directory();
    const secret = freshSecret();
    const database = new KeyDatabase(path);
    database.add(keyFor("alice", secret, { caps: { tokensPerDay: 1 } }));
    database.close();
    await using up = await setUp({ data: { store: "sqlite", directory: path } }, secret);
    up.client.create({ input: "more than one token" });
    const frame = await up.client.next();
    expect(frame).toMatchObject({
      type: "error",
      status: 429,
      error: { type: "insufficient_quota", code: "insufficient_quota", gateway_code: "cap_exceeded" },
    });
    expect(frame).not.toHaveProperty("headers");
    expect(up.upstream.requests).toBe(0);
  });

  test.each([
    ["the route's key is refused", 401, { message: "bad key" }, "upstream_http_error"],
    ["the provider's 400", 400, { message: "no", code: "context_length_exceeded" }, "upstream_http_error"],
    ["the provider's 404", 404, { message: "no such model" }, "upstream_http_error"],
  ])("when %s is a 400 after one call", async (_, status, error, code) => {
    await using up = await setUp();
    up.client.create({ input: "Hello" });
    (await up.upstream.request()).json(status, { error });
    expect(await up.client.next()).toMatchObject({ type: "error", status: 400, error: { gateway_code: code } });
    expect(up.upstream.requests).toBe(1);
  });
});

describe("a refusal that a retry can help", () => {
  test.each([
    ["the provider's 500", 500, 503],
    ["the provider's 429", 429, 429],
  ])("%s has the status after which clients try again, and is one call", async (_, status, shown) => {
    await using up = await setUp();
    up.client.create({ input: "Hello" });
    (await up.upstream.request()).json(status, { error: { message: "later" } });
    const frame = await up.client.next();
    expect(frame).toMatchObject({ type: "error", status: shown, error: { message: expect.stringContaining("later") } });
    expect(frame).not.toHaveProperty("headers");
    expect(up.upstream.requests).toBe(1);
  });

  test("an upstream that cannot be reached is 503", async () => {
    await using up = await setUp();
    await up.upstream.close();
    up.client.create({ input: "Hello" });
    expect(await up.client.next()).toMatchObject({ status: 503, error: { gateway_code: "upstream_unreachable" } });
  });
});

describe("a response that fails midway", () => {
  test("ends with response.failed about the response that was announced, numbered on", async () => {
    await using up = await setUp();
    up.client.create({ input: "Hello", stream_id: "a" });
    const exchange = (await up.upstream.request()).sse();
    for (const event of responseEvents("resp_1", []).slice(0, 1)) exchange.event(event, String(event.type));
    exchange.event({ type: "response.output_text.delta", delta: "Hi", sequence_number: 1 });
    exchange.reset();
    await up.client.next("response.output_text.delta");
    expect(await up.client.next("response.failed")).toMatchObject({
      stream_id: "a",
      sequence_number: 2,
      response: { id: "resp_1", status: "failed", error: { code: "upstream_reset" } },
    });
  });

  test("after large events is about the response that was announced, without its long texts, and numbered on", async () => {
    await using up = await setUp();
    const [created] = responseEvents("resp_1", []);
    up.client.create({ input: "Hello" });
    const exchange = (await up.upstream.request()).sse();
    const instructions = "x".repeat(100_000);
    exchange.event({ ...created, response: { id: "resp_1", object: "response", model: "m", instructions } });
    const partial_image_b64 = "x".repeat(1_000_000);
    exchange.event({ type: "response.image_generation_call.partial_image", partial_image_b64, sequence_number: 1 });
    await up.client.next("response.image_generation_call.partial_image");
    exchange.reset();
    expect(await up.client.next("response.failed")).toMatchObject({
      sequence_number: 2,
      response: { id: "resp_1", object: "response", model: "m", instructions: "", status: "failed" },
    });
    expect(up.client.texts.map((text) => text.length > 100_000)).toEqual([true, true, false]);
  });

  test("by the provider's own words has these words and nothing after them", async () => {
    await using up = await setUp();
    const [created] = responseEvents("resp_1", []);
    const failed = { type: "response.failed", sequence_number: 1, response: { id: "resp_1", error: { code: "x" } } };
    up.client.create({ input: "Hello" });
    (await up.upstream.request()).sse().event(created).event(failed).end();
    await up.client.next("response.failed");
    up.client.create({ generate: false });
    await up.client.next("response.completed");
    expect(up.client.texts.slice(0, 2)).toEqual([created, failed].map((event) => JSON.stringify(event)));
    expect(JSON.parse(up.client.texts[2] ?? "")).toMatchObject({ type: "response.created" });
  });
});

describe("a key", () => {
  test("without the scope `streams` opens no socket", async () => {
    await using gateway = await startKeyedGateway(directory());
    const secret = await gateway.makeKey("chatter", "--scopes", "chat");
    await expect(ResponsesSocketClient.connect(gateway.url, secret)).rejects.toThrow("403");
    await expect(ResponsesSocketClient.connect(gateway.url)).rejects.toThrow("401");
  });

  test("without a model's permission cannot warm it up", async () => {
    await using gateway = await startKeyedGateway(directory());
    const secret = await gateway.makeKey("agent", "--models", "gpt");
    using client = await ResponsesSocketClient.connect(gateway.url, secret);
    client.create({ generate: false, input: "one" });
    expect(await client.next()).toMatchObject({ type: "error", status: 400, error: { gateway_code: "forbidden" } });
  });

  test("that is revoked closes its sockets with the code that forbids a reconnect", async () => {
    await using gateway = await startKeyedGateway(directory());
    const secret = await gateway.makeKey("agent");
    using client = await ResponsesSocketClient.connect(gateway.url, secret);
    await gateway.keys("revoke", "agent");
    expect(await client.closed).toMatchObject({ code: 4501 });
  });
});

test("a gateway that stops closes idle sockets at once, and busy ones after their response", async () => {
  await using up = await setUp({ limits: { drainMs: 300_000 } });
  const idle = await up.connect();
  up.client.create({ input: "Hello" });
  const exchange = (await up.upstream.request()).sse();
  const stopped = up.gateway.close();
  expect(await idle.closed).toMatchObject({ code: 1001 });
  for (const event of responseEvents("resp_1", [])) exchange.event(event);
  exchange.end();
  expect(await up.client.next("response.completed")).toBeDefined();
  expect(await up.client.closed).toMatchObject({ code: 1001 });
  await stopped;
});

test("an error event without a type, which no client of this protocol could read, ends the response in its form", async () => {
  await using up = await setUp();
  const [created] = responseEvents("resp_1", []);
  up.client.create({ input: "Hello" });
  (await up.upstream.request())
    .sse()
    .event(created)
    .event({ error: { message: "gone away" } })
    .end();
  expect(await up.client.next("response.failed")).toMatchObject({
    response: { id: "resp_1", error: { message: expect.stringContaining("gone away") } },
  });
  expect(up.client.texts).toHaveLength(2);
});
