import Anthropic from "@anthropic-ai/sdk";
import { describe, expect, test } from "@jest/globals";
import { expectedOf, outerRecordings, sources } from "../../support/recordings/corpus.ts";
import { NOT_HERE } from "../../support/recordings/outer-corpus.ts";
import { sseBody } from "../../support/recordings/recorded-body.ts";
import { setUp } from "./set-up.ts";

if (!outerRecordings) test.skip(NOT_HERE, () => {});

/** A recorded tool call of each source. */
const TOOL_CALLS = ["own/anthropic-messages/tool-calls", "anthropic/anthropic-json-tool.1"];

const request = { model: "claude", max_tokens: 64, messages: [{ role: "user" as const, content: "Hi" }] };
const event = (fields: { type: string } & Record<string, unknown>): [object, string] => [fields, fields.type];
const START = event({
  type: "message_start",
  message: { id: "m", type: "message", role: "assistant", content: [], usage: { input_tokens: 3, output_tokens: 1 } },
});

/** The vendor's own client, as it is installed, at a gateway over a scripted upstream. */
async function setUpClient(config: Record<string, unknown> = {}) {
  const up = await setUp(config);
  return { ...up, client: new Anthropic({ apiKey: "sk-mine", baseURL: up.gateway.url, maxRetries: 0 }) };
}

describe("the Anthropic client", () => {
  test.each(sources)(
    "puts together what every message in $from said, thinking and tool calls too",
    async ({ recordings, own }) => {
      await using up = await setUpClient();
      let body = "";
      up.upstream.respondWith((exchange) => void exchange.sse().chunk(body).end());
      const recorded = recordings
        .filter(({ dialect, fails }) => dialect === "anthropic-messages" && !fails)
        .flatMap((recording) => recording.answers.map((answer) => ({ title: recording.title, recording, answer })));
      expect(recorded.length).toBeGreaterThan(own ? 9 : 20);
      for (const { title, recording, answer } of recorded) {
        body = recording.body ?? sseBody(answer);
        let [text, thinking, json, events] = ["", "", "", 0];
        for await (const each of await up.client.messages.create({ ...request, stream: true })) {
          events++;
          if (each.type !== "content_block_delta") continue;
          if (each.delta.type === "text_delta") text += each.delta.text;
          if (each.delta.type === "thinking_delta") thinking += each.delta.thinking;
          if (each.delta.type === "input_json_delta") json += each.delta.partial_json;
        }
        const expected = expectedOf(recording, answer);
        expect([title, text, thinking]).toEqual([title, expected.text, expected.thinking]);
        // The client itself leaves out pings.
        expect([title, events]).toEqual([title, answer.filter((one) => one.event !== "ping").length]);
        const calls = expected.calls.map((call) => String(call.arguments)).join("");
        if (json !== "") expect([title, calls]).toEqual([title, expect.stringContaining(json.slice(0, 10))]);
      }
    },
  );

  test.each(sources)("builds the final message of a tool call in $from", async ({ recordings }) => {
    await using up = await setUpClient();
    const recording = recordings.find(({ title }) => TOOL_CALLS.includes(title));
    up.upstream.respondWith(
      (exchange) =>
        void exchange
          .sse()
          .chunk(sseBody(recording?.answers[0] ?? []))
          .end(),
    );
    const message = await up.client.messages.stream(request).finalMessage();
    const call = message.content.find((block) => block.type === "tool_use");
    expect(call).toBeDefined();
    expect(message.stop_reason).toBe("tool_use");
  });

  test("receives a unary response unchanged", async () => {
    await using up = await setUpClient();
    const thinking = { type: "enabled" as const, budget_tokens: 1_024 };
    const asking = up.client.messages.create({ ...request, thinking }, { headers: { "anthropic-beta": "one" } });
    const exchange = await up.upstream.request();
    expect(exchange.path).toBe("/v1/messages");
    expect(exchange.headers).toMatchObject({
      // The version of its API that this client was written for.
      "anthropic-version": expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      "anthropic-beta": "one",
      accept: "application/json",
      "x-api-key": "sk-test-key-of-the-route",
    });
    expect(JSON.parse(exchange.body)).toEqual({ ...request, model: "claude-test", thinking, stream: false });
    const answer = {
      id: "m",
      type: "message",
      content: [
        { type: "thinking", thinking: "Hm.", signature: "s" },
        { type: "text", text: "Hello" },
      ],
      stop_reason: "end_turn",
      usage: { input_tokens: 3, output_tokens: 2 },
    };
    exchange.json(200, answer);
    expect(await asking).toMatchObject(answer);
    expect(up.streamLine()).toMatchObject({
      face: "messages",
      status: "completed",
      finish: "end_turn",
      usage: { source: "exact", inputTokens: 3, outputTokens: 2 },
    });
  });

  test("closes the upstream call when it aborts", async () => {
    await using up = await setUpClient();
    const stream = up.client.messages.stream(request);
    const exchange = (await up.upstream.request()).sse();
    exchange.event(...START);
    await stream.emitted("connect");
    stream.abort();
    await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
    await exchange.closed;
  });

  test("throws errors with their type and the request's id", async () => {
    await using up = await setUpClient();
    await expect(up.client.messages.create({ ...request, model: "nobody" })).rejects.toMatchObject({
      status: 404,
      type: "not_found_error",
      apiMessage: "no such model: nobody",
      requestID: expect.stringMatching(/^c_/),
    });
    const asking = expect(up.client.messages.create(request)).rejects.toMatchObject({
      status: 529,
      type: "overloaded_error",
    });
    const busy = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    (await up.upstream.request()).json(529, busy);
    await asking;
    // Whether and when to try again is the client's own affair.
    expect(up.upstream.requests).toBe(1);
  });

  test("throws errors from within a stream, the provider's and the gateway's", async () => {
    await using up = await setUpClient();
    const told = event({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } });
    for (const [last, type] of [
      [told, "overloaded_error"],
      [undefined, "api_error"],
    ] as const) {
      const asking = up.client.messages.create({ ...request, stream: true });
      const exchange = (await up.upstream.request()).sse().event(...START);
      if (last) exchange.event(...last);
      exchange.end();
      const stream = await asking;
      const read = async () => {
        for await (const _ of stream);
      };
      await expect(read()).rejects.toMatchObject({ type });
    }
  });

  test("skips keep-alive comments", async () => {
    await using up = await setUpClient({ limits: { requests: { apiSilenceMs: 4 } } });
    const asking = up.client.messages.create({ ...request, stream: true });
    const exchange = await up.upstream.request();
    const stream = await asking;
    exchange
      .sse()
      .event(...START)
      .event(...event({ type: "message_stop" }))
      .end();
    const types = [];
    for await (const { type } of stream) types.push(type);
    expect(types).toEqual(["message_start", "message_stop"]);
  });

  test("counts the tokens of a request", async () => {
    await using up = await setUpClient();
    const { max_tokens: _, ...counted } = request;
    const asking = up.client.messages.countTokens(counted);
    (await up.upstream.request()).json(200, { input_tokens: 2_095 });
    expect(await asking).toEqual({ input_tokens: 2_095 });
  });

  test("throws an error in the first event as an HTTP error with its status", async () => {
    await using up = await setUpClient();
    const asking = up.client.messages.create({ ...request, stream: true });
    const told = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    (await up.upstream.request()).sse().event(told, "error").end();
    await expect(asking).rejects.toMatchObject({ status: 529, type: "overloaded_error" });
  });

  test("lists the models it can use here", async () => {
    await using up = await setUpClient();
    const models = [];
    for await (const model of up.client.models.list()) models.push(model);
    expect(models).toEqual([await up.client.models.retrieve("claude")]);
    expect(models[0]).toMatchObject({ type: "model", id: "claude", display_name: "claude", max_input_tokens: 200_000 });
    expect(Number.isNaN(Date.parse(models[0]?.created_at ?? ""))).toBe(false);
    await expect(up.client.models.retrieve("gpt")).rejects.toMatchObject({ status: 404 });
  });
});
