/** What a provider says reaches the clients of the HTTP APIs: its headers, its id of the request, its names and its statuses. */
import { describe, expect, test } from "@jest/globals";
import { CHAT, chunk, FINISH, MESSAGES, RESPONSES, setUp } from "./set-up.ts";

const APIS = [
  ["messages", MESSAGES],
  ["chat completions", CHAT],
  ["responses", RESPONSES],
] as const;

const unary = (asked: typeof CHAT | typeof MESSAGES | typeof RESPONSES) => ({
  ...asked,
  body: { ...asked.body, stream: false },
});

const HEAD = {
  "request-id": "req_of_the_provider",
  "anthropic-ratelimit-tokens-remaining": "399000",
  "x-ratelimit-remaining-requests": "59",
  "openai-processing-ms": "417",
  "set-cookie": "session=1",
};
const PASSED = {
  "x-sluice-upstream-request-id": "req_of_the_provider",
  "anthropic-ratelimit-tokens-remaining": "399000",
  "x-ratelimit-remaining-requests": "59",
  "openai-processing-ms": "417",
  "set-cookie": null,
};
const passedOf = (headers: Headers) => Object.fromEntries(Object.keys(PASSED).map((name) => [name, headers.get(name)]));

describe("the provider's head", () => {
  test("is passed on with a streamed response, and its id stands in the log", async () => {
    await using up = await setUp();
    const asking = up.post(CHAT);
    (await up.upstream.request()).sse(HEAD).event(chunk("a")).event(FINISH).event("[DONE]").end();
    const { status, headers } = await asking;
    expect([status, passedOf(headers)]).toEqual([200, PASSED]);
    await up.until(() => up.streamLine() !== undefined);
    expect(up.streamLine()).toMatchObject({ status: "completed", upstreamRequestId: "req_of_the_provider" });
  });

  test("is passed on with a unary response", async () => {
    await using up = await setUp();
    const asking = up.post(unary(CHAT));
    (await up.upstream.request()).json(
      200,
      { object: "chat.completion", choices: [{ index: 0, message: { content: "a" } }] },
      HEAD,
    );
    const { status, headers } = await asking;
    expect([status, passedOf(headers)]).toEqual([200, PASSED]);
  });

  test.each(APIS)("is passed on with a refusal of %s, beside the stream's id", async (_, asked) => {
    await using up = await setUp();
    for (const request of [asked, unary(asked)]) {
      const asking = up.post(request);
      (await up.upstream.request()).json(422, { error: { message: "no" } }, HEAD);
      const { status, headers } = await asking;
      expect([status, passedOf(headers)]).toEqual([422, PASSED]);
      expect(headers.get("x-sluice-stream")).toMatch(/^s_/);
    }
    expect(up.streamLine()).toMatchObject({ status: "failed", upstreamRequestId: "req_of_the_provider" });
  });

  test("never shows the key that was sent", async () => {
    await using up = await setUp();
    const key = "sk-0123456789abcdef";
    const asking = up.post(CHAT, { "x-sluice-upstream-key": key });
    const exchange = await up.upstream.request();
    expect(exchange.headers.authorization).toBe(`Bearer ${key}`);
    exchange.json(400, { error: { message: `not ${key}` } }, { "x-request-id": key, "openai-organization": key });
    const answer = await asking;
    expect(answer.headers.get("x-sluice-upstream-request-id")).toBe("[redacted]");
    expect(JSON.stringify([...answer.headers]) + answer.text).not.toContain(key);
  });

  test("is not there where nothing went upstream, and the stream's id still is", async () => {
    await using up = await setUp();
    await up.upstream.close();
    const { status, headers } = await up.post(unary(CHAT));
    expect([status, headers.get("x-sluice-upstream-request-id")]).toEqual([502, null]);
    expect(headers.get("x-sluice-stream")).toMatch(/^s_/);
  });
});

describe("the provider's word about a retry", () => {
  test("of days reaches the client in full, with its word that a retry is of no use", async () => {
    await using up = await setUp();
    const asking = up.post(MESSAGES);
    (await up.upstream.request()).json(
      429,
      { type: "error", error: { type: "rate_limit_error", message: "limit reached" } },
      { "retry-after": "287441", "x-should-retry": "false", "anthropic-ratelimit-unified-status": "rejected" },
    );
    const { status, headers, text } = await asking;
    const told = ["retry-after", "x-should-retry", "anthropic-ratelimit-unified-status"].map((name) =>
      headers.get(name),
    );
    expect([status, ...told]).toEqual([429, "287441", "false", "rejected"]);
    expect(JSON.parse(text).error).toMatchObject({ type: "rate_limit_error", message: "limit reached" });
    expect(up.upstream.requests).toBe(1);
  });

  test("in milliseconds is passed on in both forms", async () => {
    await using up = await setUp();
    const asking = up.post({ ...CHAT, body: { ...CHAT.body } }, { "x-stainless-retry-count": "0" });
    (await up.upstream.request()).json(429, { error: { message: "slow" } }, { "retry-after-ms": "1500" });
    const { headers } = await asking;
    expect([headers.get("retry-after"), headers.get("retry-after-ms")]).toEqual(["2", "1500"]);
  });

  test("that a refusal may be tried again is passed on where clients would not", async () => {
    await using up = await setUp();
    const asking = up.post(CHAT);
    (await up.upstream.request()).json(400, { error: { message: "no" } }, { "x-should-retry": "true" });
    const { status, headers } = await asking;
    expect([status, headers.get("x-should-retry")]).toEqual([400, "true"]);
  });
});

describe("the provider's names in OpenAI's form", () => {
  test.each<[number, object, object]>([
    [400, { type: "t", param: "messages.0", code: "c" }, { type: "t", param: "messages.0", code: "c" }],
    [400, { type: "same", code: "same" }, { type: "same", param: null, code: "same" }],
    [400, { type: "invalid_request_error", code: null }, { type: "invalid_request_error", code: null }],
    [429, { type: "rate_limit_error" }, { type: "rate_limit_error", code: "rate_limit_exceeded" }],
    [429, { type: "tokens", code: "rate_limit_exceeded" }, { type: "tokens", code: "rate_limit_exceeded" }],
    [429, {}, { type: "requests", code: "rate_limit_exceeded" }],
    [400, {}, { type: "invalid_request_error", code: "upstream_http_error" }],
  ])("of a %i %j are %j", async (status, said, told) => {
    await using up = await setUp();
    const asking = up.post(CHAT, { "x-stainless-retry-count": "0" });
    (await up.upstream.request()).json(status, { error: { message: "its words", ...said } });
    const answer = await asking;
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error).toMatchObject({ message: "its words", ...told });
  });
});

test("what a provider finds wrong in a request keeps its status", async () => {
  await using up = await setUp();
  for (const status of [400, 404, 405, 409, 410, 413, 415, 422, 451]) {
    for (const asked of [CHAT, MESSAGES]) {
      const asking = up.post(asked);
      (await up.upstream.request()).json(status, { error: { message: "no", type: "its_own" } });
      const answer = await asking;
      expect([answer.status, JSON.parse(answer.text).error.type]).toEqual([status, "its_own"]);
    }
  }
});

describe("a used-up account of the provider's", () => {
  test.each<[number, object]>([
    [429, { error: { type: "insufficient_quota", message: "no more" } }],
    [429, { error: { type: "exceeded_current_quota_error", message: "no more" } }],
    [402, { error: { message: "no more" } }],
    [402, {}],
    [400, { type: "error", error: { type: "invalid_request_error", message: "Your credit balance is too low." } }],
    [403, { error: { code: "AccountOverdueError", message: "no more" } }],
    [200, { choices: null, base_resp: { status_code: 1008, status_msg: "insufficient balance" } }],
    [200, { error: { code: "billing_hard_limit_reached", message: "no more" } }],
  ])("is a status that nobody retries: %i %j", async (status, said) => {
    await using up = await setUp();
    for (const [asked, told] of [
      [CHAT, { status: 400, type: "insufficient_quota" }],
      [MESSAGES, { status: 402, type: "billing_error" }],
    ] as const) {
      const asking = up.post(unary(asked));
      (await up.upstream.request()).json(status, said, { "retry-after": "1" });
      const { headers, text, ...answer } = await asking;
      expect({ status: answer.status, type: JSON.parse(text).error.type }).toEqual(told);
      expect([headers.get("x-should-retry"), headers.get("retry-after")]).toEqual(["false", null]);
    }
  });
});

describe("a key of the gateway's that the provider refuses", () => {
  test.each(APIS)("is asked for once in some seconds, for clients of %s", async (_, asked) => {
    await using up = await setUp();
    up.upstream.respondWith((exchange) => void exchange.json(401, { error: { message: "bad key" } }));
    for (let times = 0; times < 3; times++) {
      const { status, headers, text } = await up.post(asked);
      expect([status, headers.get("x-should-retry")]).toEqual([asked === MESSAGES ? 403 : 400, "false"]);
      expect(JSON.parse(text).error.message).toMatch(
        /^the provider refuses the key of the route (\S+) \(from routes\.\1\.key\): bad key$/,
      );
    }
    expect(up.upstream.requests).toBe(1);
  });
});
