/** An upstream that refuses the parameter by which the gateway asks for a stream's usage. */
import { describe, expect, test } from "@jest/globals";
import { UsageRefusals } from "../../src/core/relay/usage-refusals.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";
import { openRelay } from "../support/relay/relayed-stream.ts";
import { callerOf, openLeasedRelay } from "../support/relay/reserving-relay.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const chat = { dialect: "openai-chat" } as const;
const refusal = { error: { message: "Unknown parameter: 'stream_options'.", type: "invalid_request_error" } };

const asks = ({ body }: ScriptedExchange): boolean => JSON.parse(body).stream_options !== undefined;

function answer(exchange: ScriptedExchange): void {
  exchange
    .sse()
    .event({ choices: [{ index: 0, delta: { content: "Hi" } }] })
    .finishChat();
}

/** Refuses whoever asks, as this status says. */
const refuseAsking = (status: number, body: unknown) => (exchange: ScriptedExchange) =>
  asks(exchange) ? void exchange.json(status, body) : answer(exchange);

describe("a stream whose upstream refuses to be asked for usage", () => {
  test.each<[string, number, unknown]>([
    ["OpenAI's way", 400, refusal],
    ["a schema's way", 422, { detail: [{ loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" }] }],
    ["by the name inside", 400, { message: "include_usage is not supported" }],
  ])("in %s is sent once more without asking, and its usage is estimated", async (_way, status, body) => {
    await using upstream = await startScriptedUpstream();
    upstream.respondWith(refuseAsking(status, body));
    await using relay = openRelay(upstream.url, chat);
    const { terminal } = relay.open({ mayRetry: false });
    expect(await terminal).toMatchObject({ status: "completed", lastSeq: 3, usage: { source: "estimated" } });
    expect(upstream.requests).toBe(2);
    expect(relay.records.map(({ anomalies }) => anomalies)).toEqual([{ usage_refused: 1 }]);
  });

  test("is one row in the ledger", async () => {
    await using upstream = await startScriptedUpstream();
    upstream.respondWith(refuseAsking(400, refusal));
    await using up = await openLeasedRelay(upstream.url, chat);
    await up.open({ caller: callerOf({}) }).terminal;
    expect(up.ledger.opened).toHaveLength(1);
    expect(up.ledger.closed).toMatchObject([{ outcome: "completed", usage: { source: "estimated" } }]);
  });

  test("is not asked for usage the next time, but other models are", async () => {
    await using upstream = await startScriptedUpstream();
    const models: unknown[] = [];
    upstream.respondWith((exchange) => {
      models.push([JSON.parse(exchange.body).model, asks(exchange)]);
      refuseAsking(400, refusal)(exchange);
    });
    await using relay = openRelay(upstream.url, chat);
    await relay.open({ body: { model: "old" } }).terminal;
    await relay.open({ body: { model: "old" } }).terminal;
    await relay.open({ body: { model: "new" } }).terminal;
    expect(models).toEqual([
      ["old", true],
      ["old", false],
      ["old", false],
      ["new", true],
      ["new", false],
    ]);
  });

  test("keeps the rest of its body unchanged", async () => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url, chat);
    const { terminal } = relay.open({ body: { seed: 0.1, messages: [{ role: "user", content: '"stream_options"' }] } });
    const first = await upstream.request();
    first.json(400, refusal);
    const second = await upstream.request();
    expect(second.body).toBe(first.body.replace(',"stream_options":{"include_usage":true}', ""));
    expect(second.body).not.toBe(first.body);
    answer(second);
    expect(await terminal).toMatchObject({ status: "completed" });
  });

  test("fails with the second try's error, and the first refusal is not remembered", async () => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url, chat);
    for (const _ of [1, 2]) {
      const { terminal } = relay.open();
      const first = await upstream.request();
      expect(asks(first)).toBe(true);
      first.json(400, refusal);
      (await upstream.request()).json(400, { error: { message: "stream_options or not: no such model" } });
      expect(await terminal).toMatchObject({
        status: "failed",
        error: { code: "upstream_http_error", message: "stream_options or not: no such model" },
      });
    }
    expect(upstream.requests).toBe(4);
  });
});

describe("a refusal is passed on after one try", () => {
  const refusedWith = async (status: number, body: unknown, asked: object = {}) => {
    await using upstream = await startScriptedUpstream();
    upstream.respondWith((exchange) => void exchange.json(status, body));
    await using relay = openRelay(upstream.url, { ...chat, options: { retry: { maxRetries: 0 } } });
    const { terminal } = relay.open({ body: { ...asked } });
    expect((await terminal).status).toBe("failed");
    return upstream.requests;
  };

  test.each<[string, number, unknown, object]>([
    ["when it names something else", 400, { error: { message: "max_tokens is too large" } }, {}],
    ["when its status says something else", 401, refusal, {}],
    ["when the client asked for the usage itself", 400, refusal, { stream_options: { include_usage: true } }],
  ])("%s", async (_when, status, body, asked) => {
    expect(await refusedWith(status, body, asked)).toBe(1);
  });
});

describe("the memory of refusals", () => {
  const route = { name: "r", dialect: openaiChat, key: undefined, headers: {} };
  const target = { route, model: undefined };
  const refuse = (refusals: UsageRefusals, model: string) => {
    if (openaiChat.usageRequest) refusals.amendment(openaiChat.usageRequest, target, { model }).accepted();
  };

  test("lasts ten minutes, since the server may have been updated", () => {
    let now = 0;
    const refusals = new UsageRefusals(() => now);
    refuse(refusals, "m");
    now = 599_999;
    expect(refusals.mayAsk(target, { model: "m" })).toBe(false);
    now = 600_000;
    expect(refusals.mayAsk(target, { model: "m" })).toBe(true);
  });

  test("is bounded: beyond a thousand, the oldest is dropped", () => {
    const refusals = new UsageRefusals(() => 0);
    for (let at = 0; at <= 1_000; at++) refuse(refusals, `m${at}`);
    expect(["m0", "m1", "m1000"].map((model) => refusals.mayAsk(target, { model }))).toEqual([true, false, false]);
  });

  test("does not change digits that a JavaScript number cannot hold", () => {
    const { usageRequest } = openaiChat;
    const amendment = usageRequest && new UsageRefusals(() => 0).amendment(usageRequest, target, {});
    const body =
      '{"seed":12345678901234567890,"t":1.0,"p":1e308,"__proto__":{"a":1},"stream_options":{"include_usage":true}}';
    expect(amendment?.amend(body, { status: 400, body: "stream_options" })).toBe(
      '{"seed":12345678901234567890,"t":1.0,"p":1e308,"__proto__":{"a":1}}',
    );
  });
});
