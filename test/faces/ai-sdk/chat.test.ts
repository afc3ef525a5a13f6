import { describe, expect, test } from "@jest/globals";
import { responseEvents, saidItem } from "../../support/upstreams/responses-script.ts";
import type { ScriptedExchange } from "../../support/upstreams/scripted-upstream.ts";
import { said, setUp } from "./set-up.ts";

const bodyOf = (exchange: ScriptedExchange) => JSON.parse(exchange.body);

/** Ways of each dialect to say "Hi there", and what then is asked next. */
const DIALECTS = {
  gpt: {
    answer: (exchange: ScriptedExchange) => exchange.sse().event(said("Hi")).event(said(" there")).finishChat(),
    first: { messages: [{ role: "user", content: "Hello" }] },
    next: { role: "assistant", content: "Hi there" },
    field: "messages",
  },
  claude: {
    answer: (exchange: ScriptedExchange) =>
      exchange
        .sse()
        .event({ type: "message_start", message: { id: "m", usage: { input_tokens: 3 } } })
        .event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } })
        .event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi there" } })
        .event({ type: "content_block_stop", index: 0 })
        .event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } })
        .event({ type: "message_stop" })
        .end(),
    first: { messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }] },
    next: { role: "assistant", content: [{ type: "text", text: "Hi there" }] },
    field: "messages",
  },
  responses: {
    answer(exchange: ScriptedExchange) {
      exchange.sse();
      for (const event of responseEvents("resp_1", [saidItem("Hi there")])) {
        exchange.event(event.type === "response.output_text.delta" ? { ...event, delta: "Hi there" } : event);
      }
      exchange.end();
    },
    first: { input: [{ role: "user", content: [{ type: "input_text", text: "Hello" }] }] },
    next: { role: "assistant", content: [{ type: "output_text", text: "Hi there" }] },
    field: "input",
  },
  gemini: {
    answer(exchange: ScriptedExchange) {
      exchange.sse();
      for (const [text, finishReason] of [["Hi"], [" there"], ["", "STOP"]]) {
        exchange.event({ candidates: [{ content: { parts: [{ text }], role: "model" }, finishReason, index: 0 }] });
      }
      exchange.end();
    },
    first: { contents: [{ role: "user", parts: [{ text: "Hello" }] }] },
    next: { role: "model", parts: [{ text: "Hi there" }] },
    field: "contents",
  },
} as const;

describe("a chat of the AI SDK", () => {
  test.each(Object.entries(DIALECTS))(
    "with a model behind %s streams an answer and sends it with the next question",
    async (model, dialect) => {
      await using up = await setUp();
      const chat = up.chat({ body: { model } });
      const sending = chat.sendMessage({ text: "Hello" });
      const first = await up.upstream.request();
      expect(bodyOf(first)).toMatchObject(dialect.first);
      dialect.answer(first);
      await sending;
      expect(chat).toMatchObject({ status: "ready", error: undefined, said: "Hi there" });
      const again = chat.sendMessage({ text: "And?" });
      const second = await up.upstream.request();
      expect(bodyOf(second)[dialect.field][1]).toMatchObject(dialect.next);
      dialect.answer(second);
      await again;
      expect(chat.messages).toHaveLength(4);
    },
  );

  test("sees the text grow, and usage, model and stream as the message's metadata", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    const exchange = (await up.upstream.request()).sse().event(said("Hi"));
    await up.until(() => chat.said === "Hi");
    expect(chat.status).toBe("streaming");
    exchange.event(said("!")).event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    exchange
      .event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })
      .event("[DONE]")
      .end();
    await sending;
    expect(chat.lastMessage?.metadata).toMatchObject({
      model: "gpt",
      route: "chat",
      stream: expect.stringMatching(/^s_/),
      finish: "stop",
      usage: { source: "exact", inputTokens: 3, outputTokens: 2 },
    });
  });

  test("reads reasoning as a part of its own, and brings its signature back", async () => {
    await using up = await setUp();
    const chat = up.chat({ body: { model: "claude", thinking: "high" } });
    const sending = chat.sendMessage({ text: "Hello" });
    const exchange = await up.upstream.request();
    expect(bodyOf(exchange)).toMatchObject({ output_config: { effort: "high" } });
    const block = (index: number, start: object, ...deltas: object[]) => {
      exchange.event({ type: "content_block_start", index, content_block: start });
      for (const delta of deltas) exchange.event({ type: "content_block_delta", index, delta });
      exchange.event({ type: "content_block_stop", index });
    };
    exchange.sse().event({ type: "message_start", message: { id: "m" } });
    block(
      0,
      { type: "thinking", thinking: "" },
      { type: "thinking_delta", thinking: "Hm." },
      { type: "signature_delta", signature: "signed" },
    );
    block(1, { type: "text", text: "" }, { type: "text_delta", text: "Yes" });
    exchange
      .event({ type: "message_delta", delta: { stop_reason: "end_turn" } })
      .event({ type: "message_stop" })
      .end();
    await sending;
    expect(chat.parts).toMatchObject([
      { type: "step-start" },
      { type: "reasoning", text: "Hm.", state: "done" },
      { type: "text", text: "Yes", state: "done" },
    ]);
    void chat.sendMessage({ text: "Why?" });
    expect(bodyOf(await up.upstream.request()).messages[1].content[0]).toEqual({
      type: "thinking",
      thinking: "Hm.",
      signature: "signed",
    });
  });

  test("runs the tools that the model calls, and the model goes on with their results", async () => {
    await using up = await setUp();
    const parameters = { type: "object", properties: {} };
    const chat = up.chat({
      body: { model: "gpt", tools: [{ name: "weather", parameters }] },
      tool: (name, input) => ({ name, input, sky: "grey" }),
    });
    const sending = chat.sendMessage({ text: "Weather?" });
    const call = (index: number, more: object) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index, ...more }] } }],
    });
    const first = await up.upstream.request();
    expect(bodyOf(first).tools).toEqual([{ type: "function", function: { name: "weather", parameters } }]);
    first
      .sse()
      .event(call(0, { id: "c1", function: { name: "weather", arguments: '{"city"' } }))
      .event(call(0, { function: { arguments: ':"Ulm"}' } }))
      .event(call(1, { id: "c2", function: { name: "invented", arguments: "" } }))
      .event({ choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] })
      .event("[DONE]")
      .end();
    const second = await up.upstream.request();
    expect(bodyOf(second).messages.slice(1)).toEqual([
      {
        role: "assistant",
        content: null,
        tool_calls: [
          { id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Ulm"}' } },
          { id: "c2", type: "function", function: { name: "invented", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "c1", content: '{"name":"weather","input":{"city":"Ulm"},"sky":"grey"}' },
      { role: "tool", tool_call_id: "c2", content: '{"name":"invented","input":{},"sky":"grey"}' },
    ]);
    second.sse().event(said("It is grey.")).finishChat();
    await sending;
    await up.until(() => chat.status === "ready" && chat.said === "It is grey.");
    expect(chat.messages).toHaveLength(2);
    expect(chat.parts.map(({ type }) => type)).toEqual([
      "step-start",
      "tool-weather",
      "dynamic-tool",
      "step-start",
      "text",
    ]);
  });

  test("stops: the provider's connection is closed at once, and the text stays", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    const exchange = (await up.upstream.request()).sse().event(said("Hi"));
    await up.until(() => chat.said === "Hi");
    await chat.stop();
    await exchange.closed;
    await sending;
    expect(chat).toMatchObject({ status: "ready", said: "Hi", error: undefined });
  });

  test("shares its socket with other chats, each of which ends by itself", async () => {
    await using up = await setUp();
    const one = up.chat({ id: "1" });
    const chats = [one, up.chat({ id: "2", transport: one.socket }), up.chat({ id: "3", transport: one.socket })];
    const sending = chats.map((chat, at) => chat.sendMessage({ text: `${at}` }));
    for (const _ of chats) {
      const exchange = await up.upstream.request();
      exchange
        .sse()
        .event(said(`answer to ${bodyOf(exchange).messages[0].content}`))
        .finishChat();
    }
    await Promise.all(sending);
    expect(chats.map(({ said }) => said)).toEqual(["answer to 0", "answer to 1", "answer to 2"]);
    expect(up.gateway.log.lines.filter(({ event }) => event === "connection")).toEqual([]);
  });

  test("passes the provider's own fields on, and asks the default model if it names none", async () => {
    await using up = await setUp();
    void up
      .chat({ body: { options: { temperature: 0.5 }, system: "Be brief.", ofTheApp: 1 } })
      .sendMessage({ text: "Hi" });
    const exchange = await up.upstream.request();
    expect(exchange.path).toBe("/v1/messages");
    expect(bodyOf(exchange)).toMatchObject({ model: "claude-test", temperature: 0.5, system: "Be brief." });
    expect(exchange.body).not.toContain("ofTheApp");
  });
});
