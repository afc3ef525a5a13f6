import { describe, expect, test } from "@jest/globals";
import { CHAT, chunk, FINISH, MESSAGES, RESPONSES, setUp } from "./set-up.ts";

const BUSY = { error: { type: "overloaded_error", message: "Overloaded" } };

describe.each([
  ["messages", MESSAGES],
  ["chat completions", CHAT],
  ["responses", RESPONSES],
] as const)("a client of %s", (_name, asked) => {
  const asStream = asked;
  const asWhole = { ...asked, body: { ...asked.body, stream: false } };

  test.each<[string, Record<string, string>]>([
    ["a vendor's SDK at its first try", { "x-stainless-retry-count": "0" }],
    ["a vendor's SDK at its second try", { "x-stainless-retry-count": "1" }],
    ["Codex", { originator: "codex_exec" }],
    ["Codex in an editor", { originator: "codex_vscode" }],
    ["Codex by its user agent", { "user-agent": "codex_cli_rs/0.171.0 (Linux)" }],
    ["Gemini CLI", { "user-agent": "GeminiCLI/0.61.0/gemini-2.5-pro (linux; x64; terminal)" }],
    ["the AI SDK", { "user-agent": "ai/7.0.173 ai-sdk/openai/4.0.118 ai-sdk/provider-utils/5.0.1 runtime/node.js/24" }],
    ["an agent on the AI SDK", { "user-agent": "opencode/1.18.33 ai-sdk/provider-utils/4.0.1 runtime/bun/1.3.0" }],
  ])("that retries by itself, %s, causes one upstream call a try", async (_name, headers) => {
    await using up = await setUp();
    up.upstream.respondWith((exchange) => void exchange.json(529, BUSY));
    for (const request of [asStream, asWhole, asStream]) {
      expect((await up.post(request, headers)).status).toBeGreaterThanOrEqual(503);
    }
    expect(up.upstream.requests).toBe(3);
  });

  test.each<[string, Record<string, string>]>([
    ["without a mark", {}],
    ["of another name", { "user-agent": "my-ai/1.0 curl/8.5.0", originator: "somebody" }],
  ])("%s is retried for", async (_name, headers) => {
    await using up = await setUp();
    up.upstream.respondWith((exchange) => void exchange.json(529, BUSY));
    await up.post(asStream, headers);
    expect(up.upstream.requests).toBe(3);
  });
});

test("a client that retries by itself receives a 429's wait at once", async () => {
  await using up = await setUp();
  up.upstream.respondWith(
    (exchange) => void exchange.json(429, { error: { message: "slow down" } }, { "retry-after": "1" }),
  );
  const answer = await up.post(CHAT, { "x-stainless-retry-count": "0" });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(up.upstream.requests).toBe(1);
});

test("a wait longer than the gateway's maximum is passed on at once, as 429 with retry-after", async () => {
  await using up = await setUp();
  up.upstream.respondWith(
    (exchange) => void exchange.json(429, { error: { message: "slow down" } }, { "retry-after": "20" }),
  );
  const answer = await up.post(CHAT);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "20"]);
  expect(up.upstream.requests).toBe(1);
});

test("a stale reused connection costs a self-retrying client no try, and is logged", async () => {
  await using up = await setUp();
  const answer = () => up.post(CHAT, { "x-stainless-retry-count": "0" });
  const first = answer();
  (await up.upstream.request()).sse().event(chunk("a")).event(FINISH).event("[DONE]").end();
  expect((await first).status).toBe(200);
  const second = answer();
  (await up.upstream.request()).reset();
  const resent = await up.upstream.request();
  expect(resent.connection).toBe(2);
  resent.sse().event(chunk("b")).event(FINISH).event("[DONE]").end();
  expect((await second).text).toContain('"b"');
  await up.until(() => up.gateway.log.lines.filter(({ event }) => event === "stream").length === 2);
  const lines = up.gateway.log.lines.filter(({ event }) => event === "stream");
  expect(lines.map(({ status, anomalies }) => [status, anomalies])).toEqual([
    ["completed", undefined],
    ["completed", { resent: 1 }],
  ]);
});
