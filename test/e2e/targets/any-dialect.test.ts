/** Clients of the stream face that read every dialect. */
import { describe, expect, test } from "@jest/globals";
import { SseClient } from "../../support/clients/sse-client.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../../support/upstreams/scripted-upstream.ts";
import { answer, HEAD, OVERLOADED } from "../../support/upstreams/several-targets.ts";

const messages = [{ role: "user", content: "Hi" }];
const BODIES = { "anthropic-messages": { max_tokens: 64, messages }, "openai-chat": { messages, seed: 7 } };
const OPEN = { model: "smart", dialect: "any", bodies: BODIES, retry: false };

/** Says this in the form of Anthropic's Messages. */
function say(exchange: ScriptedExchange, text: string): void {
  const message = { id: "msg_1", type: "message", role: "assistant", content: [], usage: { input_tokens: 3 } };
  const delta = { type: "text_delta", text };
  exchange
    .sse()
    .event({ type: "message_start", message }, "message_start")
    .event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }, "content_block_start")
    .event({ type: "content_block_delta", index: 0, delta }, "content_block_delta")
    .event({ type: "content_block_stop", index: 0 }, "content_block_stop")
    .event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } }, "message_delta")
    .event({ type: "message_stop" }, "message_stop")
    .end();
}

/** A model on Anthropic's form first, and on OpenAI's second. */
async function setUp() {
  const stack = new AsyncDisposableStack();
  const first: ScriptedUpstream = stack.use(await startScriptedUpstream());
  const second: ScriptedUpstream = stack.use(await startScriptedUpstream());
  const config = {
    routes: {
      first: { dialect: "anthropic-messages", baseUrl: first.url, key: "sk-first-key" },
      second: { dialect: "openai-chat", baseUrl: `${second.url}/v1`, key: "sk-second-key" },
    },
    models: {
      smart: {
        targets: [
          { route: "first", model: "m1" },
          { route: "second", model: "m2" },
        ],
      },
      plain: { route: "second", model: "m2" },
    },
  };
  const gateway = stack.use(await startTestGateway({ config }));
  const client = stack.use(await (await StreamClient.connect(gateway.url)).hello());
  return { gateway, client, first, second, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const dialects = (frames: readonly object[]) => frames.map((frame) => ("dialect" in frame ? frame.dialect : undefined));

describe("an open with a body for each dialect", () => {
  test("is answered by a target of another dialect when the first fails, from its own body, and is told so", async () => {
    await using up = await setUp();
    up.first.respondWith(
      (exchange) => void exchange.json(529, { error: { type: "overloaded_error", message: "busy" } }),
    );
    const done = up.client.run("a", OPEN);
    const exchange = await up.second.request();
    expect(JSON.parse(exchange.body)).toMatchObject({ ...BODIES["openai-chat"], model: "m2" });
    answer(exchange);
    const { events, end } = await done;
    expect(end).toMatchObject({ status: "completed", target: { attempt: 2, route: "second", model: "m2" } });
    expect(dialects(events)).toEqual(["openai-chat", ...events.slice(1).map(() => undefined)]);
  });

  test("is told the dialect of the first target where that one answers", async () => {
    await using up = await setUp();
    up.first.respondWith((exchange) => say(exchange, "hello"));
    const { events, end } = await up.client.run("a", OPEN);
    expect(end).toMatchObject({ status: "completed", target: { attempt: 1 } });
    expect(dialects(events.slice(0, 2))).toEqual(["anthropic-messages", undefined]);
    expect(up.second.requests).toBe(0);
  });

  test("begins on the first target whose dialect it has a body for", async () => {
    await using up = await setUp();
    up.second.respondWith(answer);
    const bodies = { "openai-chat": BODIES["openai-chat"] };
    const { events, end } = await up.client.run("a", { ...OPEN, bodies });
    expect(end).toMatchObject({ status: "completed", target: { attempt: 1, route: "second" } });
    expect(dialects(events)[0]).toBe("openai-chat");
    expect(up.first.requests).toBe(0);
  });

  test("serves a model of one target, whichever dialect that speaks", async () => {
    await using up = await setUp();
    up.second.respondWith(answer);
    const { events } = await up.client.run("a", { ...OPEN, model: "plain" });
    expect(dialects(events)[0]).toBe("openai-chat");
    const { end } = await up.client.run("b", { ...OPEN, model: undefined, route: "second" });
    expect(end).toMatchObject({ status: "completed" });
  });

  test("is never shown the head of one dialect before the answer of another", async () => {
    await using up = await setUp();
    up.first.respondWith((exchange) => {
      exchange
        .sse()
        .event({ type: "message_start", message: { id: "msg_head", usage: {} } }, "message_start")
        .reset();
    });
    up.second.respondWith(answer);
    const { events } = await up.client.run("a", OPEN);
    expect(JSON.stringify(events)).not.toContain("msg_head");
  });

  test("is told with each batch's first frame, over SSE and in each poll, from wherever it reads", async () => {
    await using up = await setUp();
    up.first.respondWith((exchange) => say(exchange, "hello"));
    up.client.send({ type: "open", id: "a", ...OPEN, batch: true });
    const opened = await up.client.take(({ type }) => type === "opened");
    const frame = await up.client.take(({ type }) => type === "events" || type === "event");
    expect(frame).toMatchObject({ dialect: "anthropic-messages" });
    await up.client.take(({ type }) => type === "end");
    const events = `${up.gateway.url}/v1/streams/${opened.type === "opened" ? opened.stream : ""}/events`;
    const sse = await SseClient.open(`${events}?after=2`);
    await sse.closed;
    expect(sse.text).toMatch(/^event: sluice\.dialect\ndata: \{"dialect":"anthropic-messages"\}\n\nid: 1-3\n/);
    const poll = JSON.parse(await (await fetch(`${events}?wait=0&after=2`)).text());
    expect(poll).toMatchObject({ dialect: "anthropic-messages", events: [{ seq: 3 }, {}, {}, {}] });
  });

  test("finds its stream again by its idempotency key, and other bodies are refused", async () => {
    await using up = await setUp();
    up.first.respondWith((exchange) => say(exchange, "hello"));
    const once = { ...OPEN, idempotencyKey: "once" };
    await up.client.run("a", once);
    const again = await up.client.run("b", once);
    expect(dialects(again.events)[0]).toBe("anthropic-messages");
    const bodies = { "openai-chat": BODIES["openai-chat"] };
    await expect(up.client.run("c", { ...once, bodies })).rejects.toThrow("bad_request");
    expect(up.first.requests).toBe(1);
  });

  test.each<[string, object, string]>([
    [
      "for no dialect of the model",
      { bodies: { "openai-responses": {} } },
      "bad_request: bodies has none for anthropic",
    ],
    ["for a dialect that there is not", { bodies: { "openai-chats": {} } }, "bad_frame"],
    ["without saying that it reads any", { dialect: undefined }, 'bad_frame: frame: give bodies with dialect "any"'],
    ["beside a body", { body: {} }, "bad_frame: frame: give either body or bodies"],
    ["and no dialect", { bodies: {} }, "bad_request"],
  ])("is refused %s", async (_, more, why) => {
    await using up = await setUp();
    await expect(up.client.run("a", { ...OPEN, ...more })).rejects.toThrow(why);
    expect([up.first.requests, up.second.requests]).toEqual([0, 0]);
  });
});

describe("an open with one body", () => {
  test("stays on the dialect of the first target, and is told it if it asks", async () => {
    await using up = await setUp();
    up.first.respondWith(
      (exchange) => void exchange.json(529, { error: { type: "overloaded_error", message: "busy" } }),
    );
    const body = BODIES["anthropic-messages"];
    const { end } = await up.client.run("a", { model: "smart", dialect: "any", body, retry: false });
    expect(end).toMatchObject({ status: "failed", target: { attempt: 1, route: "first" } });
    up.second.respondWith((exchange) => void exchange.sse().event(HEAD).event(OVERLOADED).end());
    const asks = await up.client.run("b", { model: "plain", dialect: "any", body, retry: false });
    expect(dialects(asks.events)).toEqual(["openai-chat", undefined]);
    const asksNot = await up.client.run("c", { model: "plain", body, retry: false });
    expect(dialects(asksNot.events)).toEqual([undefined, undefined]);
  });
});
