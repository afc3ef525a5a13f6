import { describe, expect, test } from "@jest/globals";
import { KeyDatabase } from "../../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../../../support/gateways/gateway-key.ts";
import { temporaryDirectories } from "../../../support/stores/temporary-directory.ts";
import { setUp } from "../set-up.ts";
import { ARRAY, piece, STREAM } from "./asked.ts";

const directory = temporaryDirectories();
const UNAVAILABLE = { error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } };

describe("a stream that fails midway", () => {
  test.each([
    ["cut by the provider", undefined, { code: 502, status: "INTERNAL" }],
    ["failed by the provider", UNAVAILABLE, UNAVAILABLE.error],
  ])(
    "(%s) tells it as an event and behind it as no event, where Google itself has it",
    async (_, failure, expected) => {
      await using up = await setUp();
      const asking = up.post(STREAM);
      const exchange = (await up.upstream.request()).sse().event(piece("a"));
      if (failure) exchange.event(failure);
      exchange.end();
      const { text } = await asking;
      const [first, event, last = ""] = text.split("\n\n");
      expect([first, event]).toEqual([`data: ${JSON.stringify(piece("a"))}`, `data: ${last}`]);
      expect(JSON.parse(last).error).toMatchObject(expected);
    },
  );

  test("is the last item of an array", async () => {
    await using up = await setUp();
    const asking = up.post(ARRAY);
    (await up.upstream.request()).sse().event(piece("a")).end();
    const [first, last, ...more] = JSON.parse((await asking).text);
    expect([first, more]).toEqual([piece("a"), []]);
    expect(last.error).toMatchObject({ code: 502, status: "INTERNAL" });
  });
});

describe("a refusal", () => {
  test("by the provider keeps its status, its words and its wait", async () => {
    await using up = await setUp();
    const error = {
      code: 429,
      message: "Too many requests.",
      status: "RESOURCE_EXHAUSTED",
      details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "31s" }],
    };
    const asking = up.post(STREAM, { "user-agent": "GeminiCLI/0.61.0/gemini-2.5-pro (linux; x64; terminal)" });
    (await up.upstream.request()).json(429, { error });
    const answer = await asking;
    expect(answer.status).toBe(429);
    expect(JSON.parse(answer.text).error).toMatchObject({
      code: 429,
      message: expect.stringContaining("Too many requests."),
      status: "RESOURCE_EXHAUSTED",
      details: [{ reason: "UPSTREAM_RATE_LIMITED", domain: "sluice" }, error.details[0]],
    });
    // Gemini CLI retries by itself.
    expect(up.upstream.requests).toBe(1);
  });

  test("for a quota that comes back tomorrow is not repeated by any client of Google's", async () => {
    await using up = await setUp();
    const error = {
      code: 429,
      message: "You exceeded your current quota.",
      status: "RESOURCE_EXHAUSTED",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.QuotaFailure",
          violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }],
        },
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "31s" },
      ],
    };
    const asking = up.post(STREAM);
    (await up.upstream.request()).json(429, { error });
    const answer = await asking;
    expect([answer.status, JSON.parse(answer.text).error.status]).toEqual([400, "FAILED_PRECONDITION"]);
    expect(up.upstream.requests).toBe(1);
  });

  test("of the gateway's own key names the route, though Google refuses it with 400", async () => {
    await using up = await setUp();
    const error = {
      code: 400,
      message: "API key not valid. Please pass a valid API key.",
      status: "INVALID_ARGUMENT",
      details: [
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID", domain: "googleapis.com" },
      ],
    };
    const asking = up.post(STREAM);
    (await up.upstream.request()).json(400, { error });
    const answer = await asking;
    const told = JSON.parse(answer.text).error;
    expect([answer.status, told.status]).toEqual([403, "PERMISSION_DENIED"]);
    expect(told.message).toContain("the key of the route gemini");
    expect(told.details[0].metadata).toMatchObject({ status: "401", code: "API_KEY_INVALID" });
  });

  test("for a used-up cap has a status that no client of Google's repeats", async () => {
    const path = directory();
    const secret = freshSecret();
    const database = new KeyDatabase(path);
    database.add(keyFor("alice", secret, { caps: { tokensPerDay: 1 } }));
    database.close();
    await using up = await setUp({ data: { store: "sqlite", directory: path } });
    const answer = await up.post(STREAM, { "x-goog-api-key": secret });
    expect(answer.status).toBe(400);
    const { error } = JSON.parse(answer.text);
    expect(error).toMatchObject({ code: 400, status: "FAILED_PRECONDITION", details: [{ reason: "CAP_EXCEEDED" }] });
    expect(error.message).toContain("alice");
    expect(up.upstream.requests).toBe(0);
  });
});

test("thoughts count towards a key's cap", async () => {
  const path = directory();
  const secret = freshSecret();
  const database = new KeyDatabase(path);
  database.add(keyFor("alice", secret, { caps: { tokensPerDay: 1_000 } }));
  database.close();
  await using up = await setUp({ data: { store: "sqlite", directory: path } });
  const asking = up.post(STREAM, { "x-goog-api-key": secret });
  const usageMetadata = {
    promptTokenCount: 3,
    candidatesTokenCount: 2,
    thoughtsTokenCount: 995,
    totalTokenCount: 1_000,
  };
  (await up.upstream.request())
    .sse()
    .event({ ...piece("a", "STOP"), usageMetadata })
    .end();
  expect((await asking).status).toBe(200);
  const refused = await up.post(STREAM, { "x-goog-api-key": secret });
  expect(JSON.parse(refused.text).error).toMatchObject({ code: 400, status: "FAILED_PRECONDITION" });
});

test("an answer that reaches its key's cap ends as at the token limit", async () => {
  const path = directory();
  const secret = freshSecret();
  const database = new KeyDatabase(path);
  database.add(keyFor("alice", secret, { caps: { tokensPerDay: 500 } }));
  database.close();
  await using up = await setUp({ data: { store: "sqlite", directory: path } });
  const asking = up.stream(STREAM, { "x-goog-api-key": secret });
  const exchange = await up.upstream.request();
  expect(JSON.parse(exchange.body).generationConfig.maxOutputTokens).toBeLessThan(500);
  const { usageMetadata: _, ...long } = piece("many words ".repeat(400));
  exchange.sse().event(long);
  const client = await asking;
  expect(await client.closed).toBe(true);
  const events = (await client.all()).map(({ data }) => JSON.parse(data));
  expect(events.at(-1)).toMatchObject({ candidates: [{ finishReason: "MAX_TOKENS" }], responseId: "r1" });
  expect(client.text).not.toContain("error");
  await exchange.closed;
});

describe("a gateway key", () => {
  const TOKEN = "a-token-of-sixteen-and-more";

  test("is taken from x-goog-api-key, and never sent on", async () => {
    await using up = await setUp({ auth: { token: TOKEN } });
    for (const headers of [{ "x-goog-api-key": TOKEN }, { authorization: `Bearer ${TOKEN}` }]) {
      const asking = up.post(STREAM, headers as Record<string, string>);
      const exchange = await up.upstream.request();
      expect(JSON.stringify(exchange.headers)).not.toContain(TOKEN);
      exchange.json(400, { error: { message: "the provider was reached" } });
      await asking;
    }
    const refused = await up.post(STREAM, { "x-goog-api-key": "wrong" });
    expect(JSON.parse(refused.text).error).toMatchObject({ code: 401, status: "UNAUTHENTICATED" });
  });

  test("in the URL is not taken, and is in no log and no request", async () => {
    await using up = await setUp({ auth: { token: TOKEN } });
    const inUrl = { ...STREAM, path: `${STREAM.path}&key=${TOKEN}` };
    expect((await up.post(inUrl)).status).toBe(401);
    const asking = up.post(inUrl, { "x-goog-api-key": TOKEN });
    const exchange = await up.upstream.request();
    expect(exchange.path).not.toContain("key=");
    exchange.sse().event(piece("a", "STOP")).end();
    await asking;
    await up.until(() => up.streamLine() !== undefined);
    expect(up.gateway.log.text).not.toContain(TOKEN);
  });
});
