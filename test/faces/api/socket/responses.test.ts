import { describe, expect, test } from "@jest/globals";
import { responseEvents, saidItem } from "../../../support/upstreams/responses-script.ts";
import { setUp } from "./set-up.ts";

describe("a response over a WebSocket", () => {
  test("comes as the provider's events, byte for byte, one in a frame", async () => {
    await using up = await setUp();
    up.client.create({ input: "Hello" });
    await up.answer("resp_1");
    await up.client.next("response.completed");
    expect(up.client.texts).toEqual(responseEvents("resp_1", [saidItem("Hi")]).map((event) => JSON.stringify(event)));
  });

  test("is asked of the provider as over HTTP, without the fields of the socket", async () => {
    await using up = await setUp();
    up.client.create({ input: "Hello", tools: [], stream_id: "lane", generate: true, event_id: "e1" });
    expect(await up.answer("resp_1")).toEqual({
      model: "responses-test",
      input: "Hello",
      tools: [],
      store: false,
      stream: true,
    });
  });

  test.each([
    ["nested in `response`", { type: "response.create", response: { model: "responses", input: "Hello" } }],
    ["with `stream: true`", { type: "response.create", model: "responses", input: "Hello", stream: true }],
  ])("may be requested %s", async (_, frame) => {
    await using up = await setUp();
    up.client.send(frame);
    expect(await up.answer("resp_1")).toMatchObject({ model: "responses-test", input: "Hello", stream: true });
    expect(await up.client.next("response.completed")).toMatchObject({ response: { id: "resp_1" } });
  });

  test("has the type in its frame even if the provider names the event outside its data only", async () => {
    await using up = await setUp();
    up.client.create({ input: "Hello", stream_id: "a" });
    const exchange = await up.upstream.request();
    exchange
      .sse()
      .event({ response: { id: "resp_1", status: "completed", output: [] } }, "response.completed")
      .end();
    expect(await up.client.next()).toEqual({
      stream_id: "a",
      type: "response.completed",
      response: { id: "resp_1", status: "completed", output: [] },
    });
  });

  test("with a model of another dialect is refused, naming where that is served", async () => {
    await using up = await setUp();
    up.client.create({ model: "claude", input: "Hello" });
    expect(await up.client.next()).toMatchObject({
      type: "error",
      status: 400,
      error: { message: expect.stringContaining("/v1/messages"), gateway_code: "unsupported" },
    });
    expect(up.upstream.requests).toBe(0);
  });

  test("in the background is refused", async () => {
    await using up = await setUp();
    up.client.create({ input: "Hello", background: true });
    expect(await up.client.next()).toMatchObject({
      type: "error",
      status: 400,
      error: { gateway_code: "unsupported" },
    });
  });

  test("has one line in the log, under the face's own name", async () => {
    await using up = await setUp();
    up.client.create({ input: "Hello" });
    await up.answer("resp_1");
    await up.client.next("response.completed");
    expect(up.gateway.log.lines.filter((line) => line.face === "responses-socket" && line.stream)).toMatchObject([
      { status: "completed", usage: expect.objectContaining({ inputTokens: 3, outputTokens: 2 }) },
    ]);
  });
});

describe("a frame that asks for no response", () => {
  test.each([["response.processed"], ["session.update"], ["anything"]])("%s is ignored", async (type) => {
    await using up = await setUp();
    up.client.send({ type });
    up.client.create({ input: "Hello" });
    await up.answer("resp_1");
    expect(await up.client.next()).toMatchObject({ type: "response.created" });
  });

  test.each([
    ["no JSON", "hello"],
    ["no object", "[1]"],
    ["without a type", "{}"],
  ])("%s gets an error and leaves the socket open", async (_, text) => {
    await using up = await setUp();
    up.client.send(text);
    expect(await up.client.next()).toMatchObject({ type: "error", status: 400, error: { gateway_code: "bad_frame" } });
    up.client.create({ input: "Hello" });
    await up.answer("resp_1");
    expect(await up.client.next()).toMatchObject({ type: "response.created" });
  });

  test("response.cancel closes the upstream's connection at once and ends the response", async () => {
    await using up = await setUp();
    up.client.create({ input: "Hello" });
    const exchange = await up.upstream.request();
    const [created] = responseEvents("resp_1", []);
    exchange.sse().event(created, "response.created");
    await up.client.next("response.created");
    up.client.send({ type: "response.cancel", response_id: "resp_1" });
    await exchange.closed;
    expect(await up.client.next()).toMatchObject({
      type: "response.failed",
      sequence_number: 1,
      response: { id: "resp_1", status: "failed", error: { code: "cancelled" } },
    });
  });

  test("response.steer is refused with the code that says why", async () => {
    await using up = await setUp();
    up.client.create({ input: "Hello", stream_id: "a" });
    const exchange = await up.upstream.request();
    exchange.sse().event(responseEvents("resp_1", [])[0], "response.created");
    await up.client.next("response.created");
    const input = [{ type: "message", role: "user", content: "rather this" }];
    up.client.send({ type: "response.steer", previous_response_id: "resp_1", input });
    expect(await up.client.next()).toMatchObject({
      type: "response.steer.failed",
      stream_id: "a",
      steer: { previous_response_id: "resp_1", input },
      error: { type: "invalid_request_error", code: "steering_not_supported" },
    });
    up.client.send({ type: "response.steer", previous_response_id: "resp_2", input });
    expect(await up.client.next()).toMatchObject({ error: { code: "response_not_found" } });
    const long = [{ type: "message", role: "user", content: "x".repeat(100_000) }];
    up.client.send({ type: "response.steer", previous_response_id: "resp_2", input: long });
    expect(await up.client.next()).toMatchObject({ steer: { input: [] }, error: { code: "response_not_found" } });
  });
});
