import { describe, expect, test } from "@jest/globals";
import { saidItem } from "../../../support/upstreams/responses-script.ts";
import { setUp } from "./set-up.ts";

type Rig = Awaited<ReturnType<typeof setUp>>;

const user = (content: string) => ({ type: "message", role: "user", content });
const notFound = {
  type: "error",
  status: 400,
  error: { type: "invalid_request_error", code: "previous_response_not_found", param: "previous_response_id" },
};

/** A turn that is completed; returns what the provider was asked. */
async function turn(up: Rig, id: string, fields: Record<string, unknown>, output = [saidItem(`said in ${id}`)]) {
  up.client.create(fields);
  const asked = await up.answer(id, output);
  await up.client.next("response.completed");
  return asked;
}

const { id: _, ...saidIn1 } = saidItem("said in resp_1");

describe("a response that continues another", () => {
  test("brings the input and output before it, and never a response id of this socket's", async () => {
    await using up = await setUp();
    await turn(up, "resp_1", { input: "one" });
    const asked = await turn(up, "resp_2", { input: [user("two")], previous_response_id: "resp_1" });
    expect(asked.input).toEqual([user("one"), saidIn1, user("two")]);
    expect(asked).not.toHaveProperty("previous_response_id");
    const third = await turn(up, "resp_3", { input: "three", previous_response_id: "resp_2" });
    expect(third.input).toHaveLength(5);
  });

  test("brings reasoning only with its encrypted content, and tool calls with their result", async () => {
    await using up = await setUp();
    const sealed = { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "sealed" };
    const open = { id: "rs_2", type: "reasoning", summary: [] };
    const call = { id: "fc_1", type: "function_call", call_id: "call_1", name: "look", arguments: "{}" };
    const result = { type: "function_call_output", call_id: "call_1", output: "seen" };
    await turn(up, "resp_1", { input: "one" }, [sealed, open, call] as never);
    const asked = await turn(up, "resp_2", { input: [result], previous_response_id: "resp_1" });
    const { id: __, ...sentCall } = call;
    expect(asked.input).toEqual([user("one"), sealed, sentCall, result]);
  });

  test("takes the finished items of a provider whose final event has no output", async () => {
    await using up = await setUp();
    up.client.create({ input: "one" });
    const exchange = await up.upstream.request();
    exchange
      .sse()
      .event({ type: "response.output_item.done", item: saidItem("said in resp_1") })
      .event({ type: "response.completed", response: { id: "resp_1", status: "completed" } })
      .end();
    await up.client.next("response.completed");
    const asked = await turn(up, "resp_2", { input: [user("two")], previous_response_id: "resp_1" });
    expect(asked.input).toEqual([user("one"), saidIn1, user("two")]);
  });

  test("brings other items with the ids that their answers name", async () => {
    await using up = await setUp();
    const asks = { id: "mcpr_1", type: "mcp_approval_request", server_label: "files", name: "look", arguments: "{}" };
    const approval = { type: "mcp_approval_response", approval_request_id: "mcpr_1", approve: true };
    await turn(up, "resp_1", { input: "one" }, [asks] as never);
    const asked = await turn(up, "resp_2", { input: [approval], previous_response_id: "resp_1" });
    expect(asked.input).toEqual([user("one"), asks, approval]);
  });

  test.each([
    ["compaction", { encrypted_content: "sealed" }],
    ["item_reference", { id: "fc_1" }],
  ])("may bring the result of a call that is within an item of type %s", async (type, fields) => {
    await using up = await setUp();
    const result = { type: "function_call_output", call_id: "call_1", output: "seen" };
    await turn(up, "resp_1", { input: [{ type, ...fields }, user("one")] });
    const asked = await turn(up, "resp_2", { input: [result], previous_response_id: "resp_1" });
    expect(asked.input).toEqual([{ type, ...fields }, user("one"), saidIn1, result]);
  });

  test("may continue one that was cut at its limit of tokens", async () => {
    await using up = await setUp();
    up.client.create({ input: "one" });
    const output = [saidItem("said in resp_1")];
    const cut = { status: "incomplete", incomplete_details: { reason: "max_output_tokens" }, output };
    (await up.upstream.request())
      .sse()
      .event({ type: "response.incomplete", response: { id: "resp_1", ...cut } })
      .end();
    await up.client.next("response.incomplete");
    const asked = await turn(up, "resp_2", { input: [user("go on")], previous_response_id: "resp_1" });
    expect(asked.input).toEqual([user("one"), saidIn1, user("go on")]);
  });

  test("may be on another lane than the one it continues", async () => {
    await using up = await setUp();
    await turn(up, "resp_1", { input: "one", stream_id: "a" });
    const fork = await turn(up, "resp_2", { input: "two", stream_id: "b", previous_response_id: "resp_1" });
    const onward = await turn(up, "resp_3", { input: "three", stream_id: "a", previous_response_id: "resp_1" });
    expect(fork.input).toEqual([user("one"), saidIn1, user("two")]);
    expect(onward.input).toEqual([user("one"), saidIn1, user("three")]);
  });

  test("is not found on another socket, nor after a later response of its lane", async () => {
    await using up = await setUp();
    await turn(up, "resp_1", { input: "one" });
    const other = await up.connect();
    other.create({ input: "two", previous_response_id: "resp_1" });
    expect(await other.next("error")).toMatchObject(notFound);
    await turn(up, "resp_2", { input: "two" });
    up.client.create({ input: "three", previous_response_id: "resp_1" });
    expect(await up.client.next("error")).toMatchObject(notFound);
    // As a client then does, on the same socket.
    expect(await turn(up, "resp_3", { input: [user("one"), user("two")] })).toMatchObject({ store: false });
  });

  test("with the result of an unknown call fails, and what it continued is forgotten", async () => {
    await using up = await setUp();
    await turn(up, "resp_1", { input: "one" });
    const result = { type: "function_call_output", call_id: "call_9", output: "seen" };
    up.client.create({ input: [result], previous_response_id: "resp_1" });
    expect(await up.client.next("error")).toMatchObject({ type: "error", status: 400, error: { param: "input" } });
    up.client.create({ input: "again", previous_response_id: "resp_1" });
    expect(await up.client.next("error")).toMatchObject(notFound);
    expect(up.upstream.requests).toBe(1);
  });

  test("that the provider refuses is forgotten with what it continued; one that the client stopped is not", async () => {
    await using up = await setUp();
    await turn(up, "resp_1", { input: "one" });
    up.client.create({ input: "two", previous_response_id: "resp_1" });
    const stopped = await up.upstream.request();
    up.client.send({ type: "response.cancel" });
    await stopped.closed;
    expect(await up.client.next("error")).toMatchObject({ type: "error", error: { gateway_code: "cancelled" } });
    up.client.create({ input: "two", previous_response_id: "resp_1" });
    (await up.upstream.request()).json(400, { error: { message: "too long", code: "context_length_exceeded" } });
    expect(await up.client.next("error")).toMatchObject({ type: "error", error: { code: "context_length_exceeded" } });
    up.client.create({ input: "three", previous_response_id: "resp_1" });
    expect(await up.client.next("error")).toMatchObject(notFound);
  });
});

describe("a response that its provider stores", () => {
  test("is continued by the provider's id", async () => {
    await using up = await setUp();
    await turn(up, "resp_1", { input: "one", store: true });
    const asked = await turn(up, "resp_2", { input: "two", store: true, previous_response_id: "resp_1" });
    expect(asked).toMatchObject({ input: "two", previous_response_id: "resp_1", store: true });
  });

  test("and that this socket never saw is the provider's to find", async () => {
    await using up = await setUp();
    const asked = await turn(up, "resp_2", { input: "two", store: undefined, previous_response_id: "resp_0" });
    expect(asked).toMatchObject({ input: "two", previous_response_id: "resp_0" });
    up.client.create({ input: "three", store: true, previous_response_id: "resp_gone" });
    (await up.upstream.request()).json(404, { error: { message: "no such response" } });
    expect(await up.client.next("error")).toMatchObject(notFound);
  });
});

describe("a warm-up (`generate: false`)", () => {
  test("is answered here, costs nothing, and its input is brought by the response that continues it", async () => {
    await using up = await setUp();
    const system = { type: "message", role: "developer", content: "x".repeat(17_000) };
    const tools = [{ type: "function", name: "look", parameters: {} }];
    up.client.create({ generate: false, input: [system], tools });
    expect(await up.client.next()).toMatchObject({
      type: "response.created",
      sequence_number: 0,
      response: { object: "response", status: "in_progress", model: "responses", tools, output: [] },
    });
    const { response } = await up.client.next();
    expect(response).toMatchObject({ status: "completed", store: false, usage: { total_tokens: 0 } });
    expect(up.upstream.requests).toBe(0);
    const { id } = response as { id: string };
    const asked = await turn(up, "resp_1", { input: [user("one")], previous_response_id: id });
    expect(asked.input).toEqual([system, user("one")]);
    expect(asked).not.toHaveProperty("previous_response_id");
  });

  test("that is not known any more is never asked of a provider", async () => {
    await using up = await setUp();
    up.client.create({ generate: false, input: "one" });
    const { response } = await up.client.next("response.completed");
    const { id } = response as { id: string };
    const other = await up.connect();
    other.create({ input: "two", store: true, previous_response_id: id });
    expect(await other.next("error")).toMatchObject(notFound);
    expect(up.upstream.requests).toBe(0);
  });

  test("counts as an open of its caller's", async () => {
    await using up = await setUp({ limits: { opensPerSecond: 1, streams: { opensBurst: 2 } } });
    for (let time = 0; time < 2; time++) {
      up.client.create({ generate: false, input: "one" });
      await up.client.next("response.completed");
    }
    up.client.create({ generate: false, input: "one" });
    expect(await up.client.next("error")).toMatchObject({ status: 429, error: { gateway_code: "rate_limited" } });
  });

  test("repeats what is small of its request, so that a client that does not read costs little", async () => {
    await using up = await setUp();
    const tools = [{ type: "function", name: "look", description: "x".repeat(100_000), parameters: {} }];
    up.client.create({ generate: false, input: "one", tools, temperature: 0.5, instructions: "x".repeat(100_000) });
    expect(await up.client.next("response.completed")).toMatchObject({ response: { temperature: 0.5, tools: [] } });
    expect(up.client.texts.join("").length).toBeLessThan(10_000);
  });

  test("repeats no long id of its request, nor a long name of a model", async () => {
    await using up = await setUp();
    const long = "x".repeat(100_000);
    up.client.create({ generate: false, input: "one", store: true, previous_response_id: long });
    expect(await up.client.next("response.completed")).toMatchObject({ response: { previous_response_id: null } });
    up.client.create({ generate: false, input: "one", model: `responses:${long}` });
    await up.client.next("response.completed");
    up.client.create({ generate: false, input: "one", model: long });
    await up.client.next("error");
    expect(up.client.texts.join("").length).toBeLessThan(20_000);
  });

  test("of an unknown model is refused", async () => {
    await using up = await setUp();
    up.client.create({ generate: false, model: "nope" });
    expect(await up.client.next("error")).toMatchObject({
      type: "error",
      status: 400,
      error: { code: "model_not_found" },
    });
  });
});
