import { describe, expect, test } from "@jest/globals";
import { setUp } from "../set-up.ts";
import { ARRAY, CONTENTS, COUNT, piece, STREAM, WHOLE } from "./asked.ts";

const SIGNED =
  '{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"tide","args":{"at": 1.50e1}},"thoughtSignature":"c2ln+/8="}]},"index":0}]}';
const LAST = JSON.stringify(piece("", "STOP"));

describe("a stream for Google's clients", () => {
  test("consists of the provider's events, signatures and numbers unchanged, and ends without [DONE]", async () => {
    await using up = await setUp();
    const asking = up.stream(STREAM);
    const exchange = await up.upstream.request();
    expect(exchange.path).toBe("/v1beta/models/gemini-test:streamGenerateContent?alt=sse");
    expect(exchange.headers).toMatchObject({ "x-goog-api-key": "sk-test-key-of-the-route" });
    expect(exchange.headers).not.toHaveProperty("authorization");
    // Google refuses fields that it does not know, such as `model` and `stream`.
    expect(JSON.parse(exchange.body)).toEqual(CONTENTS);
    exchange.sse().chunk(`data: ${SIGNED}\r\n\r\ndata: ${LAST}\r\n\r\n`).end();
    const client = await asking;
    expect(await client.closed).toBe(true);
    expect(client.headers["content-type"]).toMatch(/^text\/event-stream/);
    expect(client.text).toBe(`data: ${SIGNED}\n\ndata: ${LAST}\n\n`);
  });

  test("is one JSON array for a client that did not ask for events", async () => {
    await using up = await setUp();
    const asking = up.post(ARRAY);
    const exchange = await up.upstream.request();
    expect(exchange.path).toBe("/v1beta/models/gemini-test:streamGenerateContent?alt=sse");
    exchange.sse().event(piece("a")).event(piece("b")).event(piece("", "STOP")).end();
    const { headers, text } = await asking;
    expect(headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(text)).toEqual([piece("a"), piece("b"), piece("", "STOP")]);
  });

  test("counts thoughts as output, in the log and the bill", async () => {
    await using up = await setUp();
    const asking = up.post(STREAM);
    (await up.upstream.request()).sse().event(piece("a")).event(piece("", "STOP")).end();
    await asking;
    await up.until(() => up.streamLine() !== undefined);
    expect(up.streamLine()).toMatchObject({
      face: "generate-content",
      model: "gemini",
      status: "completed",
      finish: "STOP",
      usage: { source: "exact", inputTokens: 3, outputTokens: 6, reasoningTokens: 4 },
    });
  });

  test("stays open with empty lines, because Google's SDK finds no event behind a comment", async () => {
    await using up = await setUp({ limits: { requests: { apiSilenceMs: 4 } } });
    const asking = up.stream(STREAM);
    const exchange = (await up.upstream.request()).sse();
    const client = await asking;
    exchange.event(piece("a", "STOP")).end();
    expect(await client.closed).toBe(true);
    expect(client.text).toMatch(/^\n+data: \{.*\}\n\n$/);
  });
});

test("a whole answer is the provider's, unchanged, and complete without a finish reason", async () => {
  await using up = await setUp();
  const asking = up.post(WHOLE);
  const exchange = await up.upstream.request();
  expect([exchange.path, JSON.parse(exchange.body)]).toEqual(["/v1beta/models/gemini-test:generateContent", CONTENTS]);
  const answer = { usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 }, modelVersion: "gemini-test" };
  exchange.json(200, answer);
  const { status, text } = await asking;
  expect([status, JSON.parse(text)]).toEqual([200, answer]);
});

test("countTokens is passed to the provider and costs no tokens", async () => {
  await using up = await setUp();
  const asking = up.post(COUNT);
  const exchange = await up.upstream.request();
  expect([exchange.path, JSON.parse(exchange.body)]).toEqual(["/v1beta/models/gemini-test:countTokens", CONTENTS]);
  exchange.json(200, { totalTokens: 31 });
  expect(JSON.parse((await asking).text)).toEqual({ totalTokens: 31 });
  await up.until(() => up.streamLine() !== undefined);
  expect(up.streamLine()).toMatchObject({ face: "gemini-count-tokens", usage: { inputTokens: 0, outputTokens: 0 } });
});

describe("a model in the path", () => {
  const routes = (url: string) => ({
    routes: {
      google: { dialect: "google-gemini", baseUrl: `${url}/v1beta`, key: "sk-g", passModels: true },
      other: { dialect: "google-gemini", baseUrl: `${url}/v1beta`, key: "sk-o" },
    },
    models: { fast: { route: "google", model: "models/gemini-2.5-flash" } },
  });

  test.each([
    ["/v1beta/models/fast", "models/gemini-2.5-flash"],
    ["/v1/models/fast", "models/gemini-2.5-flash"],
    ["/v1/v1beta/models/fast", "models/gemini-2.5-flash"],
    ["/models/fast", "models/gemini-2.5-flash"],
    ["/v1beta/models/google%2Ffast", "models/gemini-2.5-flash"],
    ["/v1beta/models/google/fast", "models/gemini-2.5-flash"],
    ["/v1beta/models/gemini-3-pro", "models/gemini-3-pro"],
    ["/v1beta/tunedModels/mine-1", "tunedModels/mine-1"],
    ["/v1beta/models/other:gemini-3-pro", "models/gemini-3-pro"],
    ["/v1beta/models/a%2Fsecrets%3Fx", "models/a%2Fsecrets%3Fx"],
  ])("%s reaches %s", async (path, reached) => {
    await using up = await setUp(routes);
    const asking = up.post({ path: `${path}:generateContent`, body: CONTENTS });
    const exchange = await up.upstream.request();
    expect(exchange.path).toBe(`/v1beta/${reached}:generateContent`);
    exchange.json(200, piece("a", "STOP"));
    expect((await asking).status).toBe(200);
  });

  test("a name that leads out of the models is refused without a call", async () => {
    await using up = await setUp(routes);
    const answer = await up.post({ path: "/v1beta/models/..%2F..%2Fsecrets%3Fx:generateContent", body: CONTENTS });
    expect(JSON.parse(answer.text).error).toMatchObject({ code: 400, message: "this is no model's name" });
    expect(up.upstream.requests).toBe(0);
  });

  test.each([
    ["/v1beta/models/nobody:generateContent", 404, "NOT_FOUND"],
    ["/v1beta/models/claude:generateContent", 400, "INVALID_ARGUMENT"],
    ["/v1beta/models/%zz:generateContent", 404, "NOT_FOUND"],
    ["/v1beta/models/gemini:embedContent", 404, "NOT_FOUND"],
  ])("%s is refused with %i, %s", async (path, status, name) => {
    await using up = await setUp();
    const answer = await up.post({ path, body: CONTENTS });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error).toMatchObject({ code: status, status: name });
  });
});
