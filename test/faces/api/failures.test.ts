import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { configSchema } from "../../../src/config/schema.ts";
import { CHAT, chunk, MESSAGES, RESPONSES, setUp } from "./set-up.ts";

const APIS = [
  ["messages", MESSAGES],
  ["chat completions", CHAT],
  ["responses", RESPONSES],
] as const;

describe("an invalid request", () => {
  const body = JSON.stringify(CHAT.body);

  test.each<[string, string | Uint8Array, Record<string, string>, number, string]>([
    ["another content type", body, { "content-type": "text/plain" }, 400, "content-type application/json"],
    ["a form", "a=b", { "content-type": "application/x-www-form-urlencoded" }, 400, "content-type application/json"],
    ["an encoding nobody knows", body, { "content-encoding": "compress" }, 400, "content-encoding is one of"],
    ["bytes that do not unpack", body, { "content-encoding": "zstd" }, 400, "is not valid zstd"],
    ["what unpacks to too much", gzipSync(Buffer.alloc(1_000_000)), { "content-encoding": "gzip" }, 413, "larger than"],
    ["no JSON", "{", {}, 400, "not a JSON object"],
    ["no object", "[]", {}, 400, "not a JSON object"],
    ["nothing", "", {}, 400, "not a JSON object"],
    ["JSON nested too deep", `${'{"a":'.repeat(70)}1${"}".repeat(70)}`, {}, 400, "larger JSON than is accepted"],
    ["bytes that are no text", Buffer.from([0x7b, 0xff, 0x7d]), {}, 400, "not UTF-8"],
    ["no model", '{"stream":true}', {}, 400, "model is missing"],
    ["a model that is no name", '{"model":7}', {}, 400, "model is missing"],
    ["a stream that is neither", '{"model":"gpt","stream":"yes"}', {}, 400, "stream is true or false"],
    ["an unknown model", '{"model":"nobody"}', {}, 404, "no such model: nobody"],
    ["an unknown route", '{"model":"nowhere:gpt"}', {}, 404, "no such route: nowhere"],
    ["too much", `{"model":"gpt","x":"${"x".repeat(2_000)}"}`, {}, 413, "larger than 2000 bytes"],
  ])("(%s) is refused, and nothing is sent upstream", async (_, sent, headers, status, words) => {
    await using up = await setUp({ limits: { apiBodyBytes: 2_000 } });
    for (const [name, { path }] of APIS) {
      const answer = await up.post({ path, body: sent }, headers);
      expect([name, answer.status]).toEqual([name, status]);
      expect(JSON.parse(answer.text).error.message).toContain(words);
      expect(answer.headers.get("x-should-retry")).toBe("false");
      expect(answer.headers.get("x-request-id")).toMatch(/^c_/);
    }
    expect(up.upstream.requests).toBe(0);
  });

  test("for a model of another dialect is told where that model is served", async () => {
    await using up = await setUp();
    const answer = await up.post({ ...CHAT, body: { ...CHAT.body, model: "claude" } });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual({
      error: {
        message: "claude speaks anthropic-messages, not openai-chat: ask for it at /v1/messages",
        type: "invalid_request_error",
        param: null,
        code: "unsupported",
      },
    });
    const plain = await up.post({ ...CHAT, body: { ...CHAT.body, model: "plain" } });
    expect(JSON.parse(plain.text).error.message).toContain("not served over HTTP");
  });

  test("is logged once, under the name of its face", async () => {
    await using up = await setUp();
    await up.post({ ...MESSAGES, body: { model: "nobody" } });
    expect(up.gateway.log.lines).toContainEqual(
      expect.objectContaining({ event: "refused", where: "messages", code: "unknown_model" }),
    );
  });
});

describe("authorization", () => {
  const TOKEN = "a-token-of-sixteen-and-more";

  test.each(APIS)(
    "%s takes the token in either vendor's header, and refuses others in its vendor's form",
    async (_, asked) => {
      await using up = await setUp({ auth: { token: TOKEN } });
      for (const headers of [{}, { authorization: "Bearer wrong" }, { "x-api-key": "wrong" }] as Record<
        string,
        string
      >[]) {
        const answer = await up.post(asked, headers);
        expect(answer.status).toBe(401);
        const { type, code } = JSON.parse(answer.text).error;
        expect([type, code]).toEqual(
          asked === MESSAGES ? ["authentication_error", undefined] : ["invalid_request_error", "invalid_api_key"],
        );
      }
      for (const headers of [{ authorization: `Bearer ${TOKEN}` }, { "x-api-key": TOKEN }] as Record<
        string,
        string
      >[]) {
        const asking = up.stream(asked, headers);
        const exchange = await up.upstream.request();
        expect(JSON.stringify(exchange.headers)).not.toContain(TOKEN);
        exchange.sse().event({ type: "message_start" }, "message_start");
        expect((await asking).status).toBe(200);
      }
    },
  );

  test.each(APIS)("%s takes the token in one field beside another service's login in the other", async (_, asked) => {
    await using up = await setUp({ auth: { token: TOKEN }, limits: { requests: { authFailuresPerMinute: 3 } } });
    up.upstream.respondWith((exchange) => void exchange.json(400, { error: { message: "the provider was reached" } }));
    for (let times = 0; times < 4; times++) {
      for (const headers of [
        { authorization: "Bearer eyJhbGciOiJSUzI1NiJ9.a.login", "x-api-key": TOKEN },
        { authorization: `Bearer ${TOKEN}`, "x-api-key": "sk-ant-of-somebody" },
      ]) {
        expect((await up.post(asked, headers)).status).toBe(400);
      }
    }
    // None of those was a failure.
    expect((await up.post(asked, { "x-api-key": "wrong" })).status).toBe(401);
    expect((await up.post(asked, { authorization: "Bearer wrong", "x-api-key": "wrong too" })).status).toBe(401);
  });

  test("pages of other origins are refused, with or without credentials", async () => {
    await using up = await setUp();
    const answer = await up.post(CHAT, { origin: "https://evil.example" });
    expect([answer.status, JSON.parse(answer.text).error.type]).toEqual([403, "invalid_request_error"]);
  });

  test("pages of a listed origin may send any header their client library uses", async () => {
    const origin = "https://chat.example.com";
    await using up = await setUp({ allowedOrigins: [origin] });
    const preflight = await fetch(up.gateway.url + MESSAGES.path, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key, anthropic-version, x-stainless-lang",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization, *");
    const answer = await up.post({ ...MESSAGES, body: {} }, { origin });
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
    // Without it the page's client could not see when to try again.
    expect(answer.headers.get("access-control-expose-headers")).toBe("*");
  });

  test("the rate of opens holds for all faces together", async () => {
    await using up = await setUp({ limits: { opensPerSecond: 1, streams: { opensBurst: 1 } } });
    const first = up.stream(CHAT);
    (await up.upstream.request()).sse().event(chunk("a"));
    await first;
    const second = await up.post(RESPONSES);
    expect([second.status, JSON.parse(second.text).error.code]).toEqual([429, "rate_limit_exceeded"]);
    expect(Number(second.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("a provider's refusal before the response began", () => {
  const error = { type: "invalid_request_error", code: "context_length_exceeded", message: "too long", param: null };

  test.each(APIS)("of %s keeps its status and message, streamed or not", async (_, asked) => {
    await using up = await setUp();
    for (const stream of [true, false]) {
      const asking = up.post({ ...asked, body: { ...asked.body, stream } });
      (await up.upstream.request()).json(400, { type: "error", error });
      const answer = await asking;
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text).error).toMatchObject({ type: "invalid_request_error", message: "too long" });
      expect(answer.headers.get("x-should-retry")).toBe("false");
      expect(answer.headers.get("content-type")).toBe("application/json");
    }
  });

  test("keeps the provider's error code in OpenAI's form", async () => {
    await using up = await setUp();
    const asking = up.post(CHAT);
    (await up.upstream.request()).json(400, { error });
    expect(JSON.parse((await asking).text).error).toMatchObject({ code: "context_length_exceeded" });
  });

  test("of the gateway's own key is not reported as the client's fault", async () => {
    await using up = await setUp();
    const asking = up.post(CHAT);
    (await up.upstream.request()).json(401, { error: { message: "bad key", code: "invalid_api_key" } });
    const answer = await asking;
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).error).toMatchObject({
      message: "the provider refuses the key of the route chat (from routes.chat.key): bad key",
      code: "upstream_http_error",
    });
    expect(answer.headers.get("x-should-retry")).toBe("false");
  });

  test("for overload keeps its retry-after", async () => {
    await using up = await setUp();
    const asking = up.post(MESSAGES);
    (await up.upstream.request()).json(
      429,
      { error: { type: "rate_limit_error", message: "slow down" } },
      { "retry-after": "30" },
    );
    const answer = await asking;
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "30"]);
    expect(JSON.parse(answer.text)).toMatchObject({ type: "error", error: { type: "rate_limit_error" } });
  });

  test("for an exhausted quota stops clients", async () => {
    await using up = await setUp();
    const asking = up.post(CHAT);
    const quota = { type: "insufficient_quota", code: "insufficient_quota", message: "You exceeded your quota" };
    (await up.upstream.request()).json(429, { error: quota }, { "retry-after": "1" });
    const answer = await asking;
    expect([answer.status, answer.headers.get("retry-after"), answer.headers.get("x-should-retry")]).toEqual([
      400,
      null,
      "false",
    ]);
    expect(JSON.parse(answer.text).error).toMatchObject({ type: "insufficient_quota", code: "insufficient_quota" });
  });
});

describe("a failure in the middle of a stream", () => {
  test.each(APIS)("of %s is its last event, after everything received", async (_, asked) => {
    await using up = await setUp();
    const asking = up.stream(asked);
    const exchange = (await up.upstream.request()).sse();
    const event = { type: "response.created", sequence_number: 0, response: { id: "resp_1" } };
    exchange.event(event, asked === CHAT ? undefined : event.type);
    const client = await asking;
    await client.take();
    exchange.reset();
    const [last, ...more] = await client.all();
    expect(more).toEqual([]);
    expect(last?.data).toContain("the upstream cut the connection");
    expect(await client.closed).toBe(true);
    expect(up.streamLine()).toMatchObject({ status: "failed", code: "upstream_reset" });
  });

  test("that the provider reported in an event is not reported twice", async () => {
    await using up = await setUp();
    const asking = up.stream(MESSAGES);
    const began = { type: "message_start", message: { usage: { input_tokens: 3 } } };
    const told = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    (await up.upstream.request()).sse().event(began, "message_start").event(told, "error").end();
    expect((await (await asking).all()).map(({ data }) => data)).toEqual([began, told].map((it) => JSON.stringify(it)));
  });

  test("after a silence is an event, because the head has been sent", async () => {
    await using up = await setUp({ limits: { requests: { apiSilenceMs: 4 } } });
    const asking = up.stream(CHAT);
    const exchange = await up.upstream.request();
    const client = await asking;
    exchange.json(400, { error: { message: "too long" } });
    const [last] = await client.all();
    expect(JSON.parse(last?.data ?? "").error).toMatchObject({ message: "too long" });
  });
});

describe("an error as the first event of a 200", () => {
  const nested = (type: string) => ({ type: "error", error: { type, message: "the provider's words" } });
  const coded = (code: unknown, type = "provider_error") => ({
    error: { code, type, message: "the provider's words" },
  });
  const failedResponse = (code: string) => ({
    type: "response.failed",
    response: { status: "failed", error: { code, message: "the provider's words" } },
  });

  test.each([
    ["messages", MESSAGES, nested("overloaded_error"), 529],
    ["messages", MESSAGES, nested("rate_limit_error"), 429],
    ["messages", MESSAGES, nested("invalid_request_error"), 400],
    ["messages", MESSAGES, nested("request_too_large"), 413],
    ["chat", CHAT, coded(429), 429],
    ["chat", CHAT, coded("429"), 429],
    ["chat", CHAT, coded("context_length_exceeded", "invalid_request_error"), 400],
    ["chat", CHAT, coded(null, "engine_overloaded_error"), 503],
    ["chat", CHAT, coded(503), 503],
    ["chat", CHAT, coded(400, "exceed_context_size_error"), 400],
    ["chat", CHAT, coded("RESOURCE_EXHAUSTED"), 429],
    ["responses", RESPONSES, failedResponse("rate_limit_exceeded"), 429],
    ["responses", RESPONSES, failedResponse("server_is_overloaded"), 503],
    ["responses", RESPONSES, { type: "error", code: "context_length_exceeded", message: "the provider's words" }, 400],
  ])("becomes the status it stands for: %s %#", async (_, asked, event, status) => {
    await using up = await setUp();
    const asking = up.post(asked);
    (await up.upstream.request())
      .sse()
      .event(event, "type" in event ? event.type : undefined)
      .end();
    const answer = await asking;
    expect([answer.status, JSON.parse(answer.text).error.message]).toEqual([status, "the provider's words"]);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("x-should-retry")).toBe(status === 429 || status >= 500 ? null : "false");
    await up.until(() => up.streamLine() !== undefined);
    expect(up.streamLine()).toMatchObject({ status: "failed", code: "upstream_error_event" });
  });

  test("or in a unary response with 200 becomes the status it stands for", async () => {
    await using up = await setUp();
    for (const [asked, answer, status] of [
      [CHAT, coded(429), 429],
      [MESSAGES, nested("overloaded_error"), 529],
    ] as const) {
      const asking = up.post({ ...asked, body: { ...asked.body, stream: false } });
      (await up.upstream.request()).json(200, answer);
      const answered = await asking;
      expect([answered.status, JSON.parse(answered.text).error.message]).toEqual([status, "the provider's words"]);
    }
  });

  test("is passed on with 200 in a unary response object with status failed", async () => {
    await using up = await setUp();
    const asking = up.post({ ...RESPONSES, body: { ...RESPONSES.body, stream: false } });
    const response = { object: "response", ...failedResponse("server_error").response };
    (await up.upstream.request()).json(200, response);
    const answered = await asking;
    expect([answered.status, JSON.parse(answered.text)]).toEqual([200, response]);
  });

  test("without a code or type becomes 502", async () => {
    await using up = await setUp();
    const asking = up.post(CHAT);
    (await up.upstream.request())
      .sse()
      .event({ error: { message: "it broke" } })
      .end();
    expect((await asking).status).toBe(502);
  });
});

test("a refusal within the silence of 15 s keeps its status and retry-after", async () => {
  const { limits } = configSchema({ env: {}, readFile: () => "" }).parse({ demo: true });
  // test/faces/api/event-response.test.ts: until then nothing is sent.
  expect(limits.requests.apiSilenceMs).toBe(15_000);
  await using up = await setUp();
  const asking = up.post(MESSAGES);
  const exchange = await up.upstream.request();
  const overloaded = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  exchange.json(529, overloaded, { "retry-after": "30" });
  const answer = await asking;
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([529, "30"]);
  expect(JSON.parse(answer.text)).toMatchObject({ error: { type: "overloaded_error", message: "Overloaded" } });
});
