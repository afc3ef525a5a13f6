import { describe, expect, test } from "@jest/globals";
import { startKeyedGateway } from "../../support/gateways/keyed-gateway.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";
import { setUp } from "./set-up.ts";

const directory = temporaryDirectories();
const messages = [{ role: "user", content: "Hi" }];

const COUNT = {
  path: "/v1/messages/count_tokens",
  body: { model: "claude", messages },
  answer: { input_tokens: 2_095 },
};
const INPUT = {
  path: "/v1/responses/input_tokens",
  body: { model: "responses", input: "Hi" },
  answer: { object: "response.input_tokens", input_tokens: 11 },
};
const COMPACT = {
  path: "/v1/responses/compact",
  body: { model: "responses", input: [{ role: "user", content: "Hi" }] },
  answer: {
    id: "resp_1",
    object: "response.compaction",
    created_at: 1,
    output: [{ type: "compaction", id: "cmp_1", encrypted_content: "gAAAA" }],
    usage: { input_tokens: 139, output_tokens: 438, total_tokens: 577 },
  },
};

describe.each([COUNT, INPUT, COMPACT])("$path", ({ path, body, answer }) => {
  test("is passed to the model's route unstreamed, and its response returned unchanged", async () => {
    await using up = await setUp();
    const asking = up.post({ path: `${path}?beta=true`, body }, { "anthropic-beta": "b", "openai-beta": "b" });
    const exchange = await up.upstream.request();
    expect([exchange.method, exchange.path]).toEqual(["POST", path]);
    // Nothing is added but the model's own name.
    expect(JSON.parse(exchange.body)).toEqual({ ...body, model: `${body.model}-test` });
    expect(exchange.headers[path.includes("messages") ? "anthropic-beta" : "openai-beta"]).toBe("b");
    exchange.json(200, answer);
    const answered = await asking;
    expect([answered.status, JSON.parse(answered.text)]).toEqual([200, answer]);
  });

  test("keeps the provider's refusal", async () => {
    await using up = await setUp();
    const asking = up.post({ path, body });
    (await up.upstream.request()).json(404, { error: { type: "not_found_error", message: "no such endpoint" } });
    const answered = await asking;
    expect([answered.status, JSON.parse(answered.text).error.message]).toEqual([404, "no such endpoint"]);
  });

  test("requires a model of its dialect", async () => {
    await using up = await setUp();
    expect((await up.post({ path, body: { ...body, model: "gpt" } })).status).toBe(400);
    expect((await up.post({ path, body: { ...body, model: "nobody" } })).status).toBe(404);
    expect(up.upstream.requests).toBe(0);
  });

  test("is sent without the model's defaults", async () => {
    await using up = await setUp((url) => ({
      routes: {
        a: { dialect: "anthropic-messages", baseUrl: url },
        r: { dialect: "openai-responses", baseUrl: `${url}/v1` },
      },
      models: {
        claude: { route: "a", model: "claude-test", defaults: { temperature: 0 } },
        responses: { route: "r", model: "responses-test", defaults: { temperature: 0 } },
      },
    }));
    const asking = up.post({ path, body });
    const exchange = await up.upstream.request();
    expect(JSON.parse(exchange.body)).not.toHaveProperty("temperature");
    exchange.json(200, answer);
    await asking;
  });
});

describe("the record of a side call", () => {
  test.each([
    { ...COUNT, usage: { source: "exact", inputTokens: 0, outputTokens: 0 } },
    { ...INPUT, usage: { source: "exact", inputTokens: 0, outputTokens: 0 } },
    { ...COMPACT, usage: { source: "exact", inputTokens: 139, outputTokens: 438 } },
  ])("$path has no tokens but those its response reports", async ({ path, body, answer, usage }) => {
    await using up = await setUp();
    const asking = up.post({ path, body });
    (await up.upstream.request()).json(200, answer);
    await asking;
    await up.until(() => up.streamLine() !== undefined);
    expect(up.streamLine()).toMatchObject({ status: "completed", model: body.model, usage });
  });

  test("counts towards a key's requests, not its tokens", async () => {
    await using upstream = await startScriptedUpstream();
    upstream.respondWith((exchange) => void exchange.json(200, COUNT.answer));
    await using gateway = await startKeyedGateway(directory(), upstream.url);
    const secret = await gateway.makeKey("alice", "--requests-per-minute", "2", "--tokens-per-day", "1");
    const ask = async () => {
      const response = await fetch(gateway.url + COUNT.path, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": secret },
        body: JSON.stringify({ ...COUNT.body, messages: [{ role: "user", content: "x".repeat(4_000) }] }),
      });
      await response.text();
      return response.status;
    };
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
    expect(upstream.requests).toBe(2);
  });
});
