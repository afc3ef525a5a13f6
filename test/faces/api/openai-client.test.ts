import { describe, expect, test } from "@jest/globals";
import OpenAI from "openai";
import { parseJson } from "../../../src/core/kernel/json.ts";
import { expectedOf, outerRecordings, type Recording, sources } from "../../support/recordings/corpus.ts";
import { NOT_HERE } from "../../support/recordings/outer-corpus.ts";
import { sseBody } from "../../support/recordings/recorded-body.ts";
import { CHAT, chunk, FINISH, setUp } from "./set-up.ts";

if (!outerRecordings) test.skip(NOT_HERE, () => {});

const messages = [{ role: "user" as const, content: "Hi" }];

/** The vendor's own client, as it is installed, at a gateway over a scripted upstream. */
async function setUpClient(config: Record<string, unknown> = {}, options: { readonly maxRetries?: number } = {}) {
  const up = await setUp(config);
  const baseURL = `${up.gateway.url}/v1`;
  return { ...up, client: new OpenAI({ apiKey: "sk-mine", baseURL, maxRetries: 0, ...options }) };
}

/** Two recorded events are not JSON, on which the client throws; a failed answer has its own test. */
const answersOf = (recordings: readonly Recording[], dialect: string) =>
  recordings
    .filter((recording) => recording.dialect === dialect && !recording.fails)
    .flatMap((recording) => recording.answers.map((answer) => ({ title: recording.title, recording, answer })))
    .filter(({ answer }) => answer.every(({ data }) => data === "[DONE]" || parseJson(data) !== undefined));

describe("the openai client on chat completions", () => {
  test.each(sources)("puts together what every provider in $from said", async ({ recordings, own }) => {
    await using up = await setUpClient();
    let body = "";
    up.upstream.respondWith((exchange) => void exchange.sse().chunk(body).end());
    const recorded = answersOf(recordings, "openai-chat");
    expect(recorded.length).toBeGreaterThan(own ? 13 : 20);
    for (const { title, recording, answer } of recorded) {
      body = recording.body ?? sseBody(answer);
      const stream = await up.client.chat.completions.create({ model: "gpt", stream: true, messages });
      let text = "";
      const calls = new Map<number, string>();
      for await (const { choices } of stream) {
        const delta = choices.find(({ index }) => !index)?.delta;
        if (typeof delta?.content === "string") text += delta.content;
        if (typeof delta?.refusal === "string") text += delta.refusal;
        for (const { index, function: called } of delta?.tool_calls ?? []) {
          calls.set(index, (calls.get(index) ?? "") + (called?.arguments ?? ""));
        }
      }
      const expected = expectedOf(recording, answer);
      // Mistral's reasoning comes as a list of parts, which this client hands over as it is.
      if (!/^mistral|\/content-parts$/.test(title)) expect([title, text]).toEqual([title, expected.text]);
      expect([title, [...calls.values()]]).toEqual([title, expected.calls.map((call) => call.arguments)]);
    }
  });

  test("receives a unary response unchanged", async () => {
    await using up = await setUpClient();
    const answer = { id: "c1", object: "chat.completion", unknown: { kept: true }, ...FINISH };
    const asking = up.client.chat.completions.create({ model: "gpt", messages, temperature: 0.5 });
    const exchange = await up.upstream.request();
    expect(exchange.headers.accept).toBe("application/json");
    expect(JSON.parse(exchange.body)).toEqual({ model: "gpt-test", messages, temperature: 0.5, stream: false });
    exchange.json(200, answer);
    expect(await asking).toMatchObject(answer);
    expect(up.streamLine()).toMatchObject({ usage: { source: "exact", inputTokens: 3, outputTokens: 2 } });
  });

  test("closes the upstream call when it aborts or stops reading", async () => {
    await using up = await setUpClient();
    const leave = [
      (stream: { controller: AbortController }) => stream.controller.abort(),
      async (stream: AsyncIterable<unknown>) => {
        for await (const _ of stream) break;
      },
    ];
    for (const go of leave) {
      const asking = up.client.chat.completions.create({ model: "gpt", stream: true, messages });
      const exchange = (await up.upstream.request()).sse();
      exchange.event(chunk("a")).event(chunk("b"));
      await go(await asking);
      await exchange.closed;
    }
  });

  test("throws errors before the stream and within it", async () => {
    await using up = await setUpClient();
    const create = () => up.client.chat.completions.create({ model: "gpt", stream: true, messages });
    await expect(up.client.chat.completions.create({ ...CHAT.body, model: "nobody", messages })).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
      requestID: expect.stringMatching(/^c_/),
    });
    const refused = expect(create()).rejects.toMatchObject({ status: 400, code: "context_length_exceeded" });
    const error = { type: "invalid_request_error", code: "context_length_exceeded", message: "too long" };
    (await up.upstream.request()).json(400, { error });
    await refused;

    const asking = create();
    const exchange = (await up.upstream.request()).sse();
    exchange.event(chunk("a"));
    const stream = await asking;
    const seen: unknown[] = [];
    const read = async () => {
      for await (const { choices } of stream) {
        seen.push(choices[0]?.delta.content);
        exchange.reset();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "upstream_reset", message: "the upstream cut the connection" });
    expect(seen).toEqual(["a"]);
  });

  test("skips keep-alive comments", async () => {
    await using up = await setUpClient({ limits: { requests: { apiSilenceMs: 4 } } });
    const asking = up.client.chat.completions.create({ model: "gpt", stream: true, messages });
    const exchange = await up.upstream.request();
    const stream = await asking;
    exchange.sse().event(chunk("a")).event(FINISH).event("[DONE]").end();
    const chunks = [];
    for await (const each of stream) chunks.push(each);
    expect(chunks).toEqual([chunk("a"), FINISH]);
  });

  test("retries only retryable errors, after the time it is given", async () => {
    await using up = await setUpClient(
      { limits: { opensPerSecond: 100, streams: { opensBurst: 1 } } },
      { maxRetries: 2 },
    );
    up.upstream.respondWith((exchange) => void exchange.sse().event(FINISH).event("[DONE]").end());
    const ask = () => up.client.chat.completions.create({ model: "gpt", stream: true, messages });
    await (await ask()).controller.abort();
    // The rate lets the next one in after 10 ms; a client told to wait a second waits a second.
    await expect(ask().withResponse()).resolves.toMatchObject({ response: { status: 200 } });
    const refused = up.client.chat.completions.create({ model: "nobody", messages }).asResponse();
    await expect(refused).rejects.toMatchObject({ status: 404 });
    const lines = up.gateway.log.lines.filter(({ event }) => event === "refused");
    expect(lines.filter(({ code }) => code === "unknown_model")).toHaveLength(1);
  });
});

describe("the openai client on responses", () => {
  test.each(sources)("puts together what every response in $from said", async ({ recordings, own }) => {
    await using up = await setUpClient();
    let body = "";
    up.upstream.respondWith((exchange) => void exchange.sse().chunk(body).end());
    const recorded = answersOf(recordings, "openai-responses");
    expect(recorded.length).toBeGreaterThan(own ? 9 : 20);
    for (const { title, recording, answer } of recorded) {
      body = recording.body ?? sseBody(answer);
      const stream = await up.client.responses.create({ model: "responses", stream: true, input: "Hi" });
      const types: string[] = [];
      let text = "";
      for await (const event of stream) {
        types.push(event.type);
        if (event.type === "response.output_text.done") text += event.text;
        if (event.type === "response.refusal.done") text += event.refusal;
      }
      expect([title, types]).toEqual([title, answer.map(({ event }) => event)]);
      expect([title, text]).toEqual([title, expectedOf(recording, answer).text]);
    }
  });

  test("receives a unary response and its text", async () => {
    await using up = await setUpClient();
    const asking = up.client.responses.create({ model: "responses", input: "Hi" });
    const exchange = await up.upstream.request();
    expect(exchange.path).toBe("/v1/responses");
    const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Hello" }] }];
    const usage = { input_tokens: 4, output_tokens: 1, total_tokens: 5 };
    exchange.json(200, { id: "resp_1", object: "response", status: "completed", output, usage });
    expect((await asking).output_text).toBe("Hello");
    expect(up.streamLine()).toMatchObject({ face: "responses", usage: { inputTokens: 4, outputTokens: 1 } });
  });

  test("ends with a failed response when the provider breaks off", async () => {
    await using up = await setUpClient();
    const asking = up.client.responses.create({ model: "responses", stream: true, input: "Hi" });
    const exchange = (await up.upstream.request()).sse();
    const response = { id: "resp_1", object: "response", status: "in_progress", output: [] };
    exchange.event({ type: "response.created", sequence_number: 0, response }, "response.created").end();
    const events = [];
    for await (const event of await asking) events.push(event);
    expect(events.at(-1)).toMatchObject({
      type: "response.failed",
      sequence_number: 1,
      response: { id: "resp_1", status: "failed", error: { code: "upstream_truncated" } },
    });
  });

  test("throws when no response was announced", async () => {
    await using up = await setUpClient({ limits: { requests: { apiSilenceMs: 4 } } });
    const asking = up.client.responses.create({ model: "responses", stream: true, input: "Hi" });
    const exchange = await up.upstream.request();
    const stream = await asking;
    exchange.json(400, { error: { type: "invalid_request_error", message: "no such tool" } });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toMatchObject({ message: "no such tool" });
  });
});

describe("the openai client's side calls", () => {
  test("count the tokens of a request, and compact a conversation", async () => {
    await using up = await setUpClient();
    const counting = up.client.responses.inputTokens.count({ model: "responses", input: "Hi" });
    (await up.upstream.request()).json(200, { object: "response.input_tokens", input_tokens: 11 });
    expect((await counting).input_tokens).toBe(11);
    const compacting = up.client.responses.compact({ model: "responses", input: "Hi" });
    const output = [{ id: "cmp_1", type: "compaction", encrypted_content: "gAAAA" }];
    (await up.upstream.request()).json(200, { id: "resp_1", object: "response.compaction", created_at: 1, output });
    expect((await compacting).output).toEqual(output);
  });

  test("fail with the status that an error in the first event stands for", async () => {
    await using up = await setUpClient();
    const asking = up.client.chat.completions.create({ model: "gpt", stream: true, messages });
    const error = { message: "slow down", type: "requests", code: "rate_limit_exceeded" };
    (await up.upstream.request()).sse().event({ error }).end();
    await expect(asking).rejects.toMatchObject({ status: 429 });
  });
});

describe("the openai client's list of models", () => {
  test("contains the aliases it can use", async () => {
    await using up = await setUpClient();
    const ids: string[] = [];
    for await (const { id } of up.client.models.list()) ids.push(id);
    expect(ids).toEqual(["gpt", "responses"]);
    expect(await up.client.models.retrieve("gpt")).toEqual({
      id: "gpt",
      object: "model",
      created: expect.any(Number),
      owned_by: "chat",
    });
    await expect(up.client.models.retrieve("claude")).rejects.toMatchObject({ status: 404, code: "model_not_found" });
  });

  test("finds a name with a slash, and refuses invalid percent-encoding", async () => {
    const routes = { chat: { dialect: "openai-chat", baseUrl: "http://127.0.0.1:1" } };
    await using up = await setUpClient({ routes, models: { "org/gpt:free": { route: "chat", model: "m" } } });
    expect((await up.client.models.retrieve("org/gpt:free")).id).toBe("org/gpt:free");
    expect((await fetch(`${up.gateway.url}/v1/models/%ff`)).status).toBe(400);
  });
});
