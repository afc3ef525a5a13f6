import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type DemoUpstream, startDemoUpstream } from "../../src/demo/demo-upstream.ts";
import { anthropicMessages } from "../../src/dialects/anthropic-messages.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";
import { openaiResponses } from "../../src/dialects/openai-responses.ts";
import { interpret, together, unnamed } from "../support/relay/interpret.ts";
import { ask, askForEvents, at, DIALECTS, type DialectName, valuesOf } from "./ask-demo.ts";

let demo: DemoUpstream;
beforeAll(async () => {
  demo = await startDemoUpstream({ pace: "instant" });
});
afterAll(() => demo.close());

const NAMES = Object.keys(DIALECTS) as DialectName[];
const types = (events: readonly { readonly data: string }[]) =>
  valuesOf(events as { event: string | undefined; data: string }[]).map((value) => value.type);
const withoutRepeats = (names: readonly unknown[]) => names.filter((name, index) => name !== names[index - 1]);

describe("Anthropic Messages", () => {
  test("a text answer has the provider's sequence, each event named by its type", async () => {
    const events = await askForEvents(demo.url, "anthropic", "hello");
    expect(withoutRepeats(types(events))).toEqual([
      "message_start",
      "content_block_start",
      "ping",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    for (const [index, value] of valuesOf(events).entries()) expect(events[index]?.event).toBe(value.type);
  });

  test("usage counts the tokens sent, and max_tokens ends the answer there", async () => {
    const values = valuesOf(await askForEvents(demo.url, "anthropic", "hello", { max_tokens: 7 }));
    expect(values.filter(({ type }) => type === "content_block_delta")).toHaveLength(7);
    const last = values.find(({ type }) => type === "message_delta");
    expect(last).toMatchObject({ delta: { stop_reason: "max_tokens" }, usage: { output_tokens: 7 } });
  });

  test("a thinking model sends signed thinking first", async () => {
    const values = valuesOf(await askForEvents(demo.url, "anthropic", "hello", { model: "demo-thinking" }));
    const deltas = values.flatMap((value) => at(value, "delta", "type") ?? []);
    expect(withoutRepeats(deltas)).toEqual(["thinking_delta", "signature_delta", "text_delta"]);
    expect(values.filter(({ type }) => type === "content_block_start").map(({ index }) => index)).toEqual([0, 1]);
  });

  test("a tool call streams its arguments as pieces of JSON", async () => {
    const tools = [{ name: "get_time", input_schema: { type: "object" } }];
    const values = valuesOf(await askForEvents(demo.url, "anthropic", "Please call a tool.", { tools }));
    expect(values.find(({ type, index }) => type === "content_block_start" && index === 1)).toMatchObject({
      content_block: { type: "tool_use", name: "get_time", input: {} },
    });
    const pieces = values.flatMap((value) => at(value, "delta", "partial_json") ?? []);
    expect(JSON.parse(pieces.join(""))).toEqual({ location: "Lisbon", unit: "celsius" });
    expect(values.at(-2)).toMatchObject({ delta: { stop_reason: "tool_use" } });
  });

  test("a tool's result is answered with text, not with another call", async () => {
    const messages = [
      { role: "user", content: "call a tool" },
      { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "get_weather", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "sunny" }] },
    ];
    const values = valuesOf(await askForEvents(demo.url, "anthropic", "", { messages }));
    expect(values.at(-2)).toMatchObject({ delta: { stop_reason: "end_turn" } });
  });

  test("[[error]] ends in an error event without message_stop", async () => {
    const events = await askForEvents(demo.url, "anthropic", "[[error]]");
    expect(events.at(-1)?.event).toBe("error");
    expect(valuesOf(events).at(-1)).toMatchObject({ type: "error", error: { type: "overloaded_error" } });
    expect(events.some(({ event }) => event === "content_block_delta")).toBe(true);
  });
});

describe("OpenAI Chat Completions", () => {
  test("unnamed chunks: a role, content, a finish reason, usage, [DONE]", async () => {
    const events = await askForEvents(demo.url, "chat", "hello");
    expect(events.every(({ event }) => event === undefined)).toBe(true);
    expect(events.at(-1)?.data).toBe("[DONE]");
    const values = valuesOf(events);
    expect(at(values[0], "choices", 0, "delta", "role")).toBe("assistant");
    expect(at(values.at(-2), "choices", 0, "finish_reason")).toBe("stop");
    expect(values.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: values.length - 3 } });
    expect(values[1]?.usage).toBeNull();
  });

  test("without include_usage no chunk has usage", async () => {
    const values = valuesOf(await askForEvents(demo.url, "chat", "hello", { stream_options: {} }));
    expect(values.some((value) => "usage" in value)).toBe(false);
  });

  test("padding hides the tokens' lengths until it is declined", async () => {
    const padded = valuesOf(await askForEvents(demo.url, "chat", "hello"));
    const lengths = padded.slice(1, 30).map((value) => {
      const content = String(at(value, "choices", 0, "delta", "content"));
      return content.length + String(value.obfuscation).length;
    });
    expect(new Set(lengths)).toEqual(new Set([16]));
    const plain = await askForEvents(demo.url, "chat", "hello", { stream_options: { include_obfuscation: false } });
    expect(valuesOf(plain).some((value) => "obfuscation" in value)).toBe(false);
  });

  test.each(["max_tokens", "max_completion_tokens"])("%s ends the answer with finish reason length", async (limit) => {
    const values = valuesOf(await askForEvents(demo.url, "chat", "hello", { [limit]: 5 }));
    expect(at(values.at(-2), "choices", 0, "finish_reason")).toBe("length");
    expect(at(values.at(-1), "usage", "completion_tokens")).toBe(5);
  });

  test("thinking is sent as reasoning_content and counted as reasoning", async () => {
    const values = valuesOf(await askForEvents(demo.url, "chat", "hello", { model: "demo-thinking" }));
    const thoughts = values.filter((value) => at(value, "choices", 0, "delta", "reasoning_content") !== undefined);
    expect(thoughts.length).toBeGreaterThan(10);
    expect(at(values.at(-1), "usage", "completion_tokens_details", "reasoning_tokens")).toBe(thoughts.length);
  });

  test("a tool call names the caller's own tool, then streams its arguments", async () => {
    const tools = [{ type: "function", function: { name: "get_time" } }];
    const values = valuesOf(await askForEvents(demo.url, "chat", "call a tool", { tools }));
    const calls = values.flatMap((value) => at(value, "choices", 0, "delta", "tool_calls", 0) ?? []);
    expect(calls[0]).toMatchObject({ index: 0, type: "function", function: { name: "get_time", arguments: "" } });
    const pieces = calls.map((call) => at(call, "function", "arguments"));
    expect(JSON.parse(pieces.join(""))).toHaveProperty("location");
    expect(at(values.at(-2), "choices", 0, "finish_reason")).toBe("tool_calls");
  });

  test("[[error]] ends in an error object without [DONE]", async () => {
    const events = await askForEvents(demo.url, "chat", "[[error]]");
    expect(valuesOf(events).at(-1)).toHaveProperty("error.type", "server_error");
    expect(events.at(-1)?.data).not.toBe("[DONE]");
  });
});

describe("OpenAI Responses", () => {
  test("a text answer has the provider's sequence, numbered from 0", async () => {
    const events = await askForEvents(demo.url, "responses", "hello");
    expect(withoutRepeats(types(events))).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const values = valuesOf(events);
    expect(values.map(({ sequence_number }) => sequence_number)).toEqual([...values.keys()]);
    for (const [index, value] of values.entries()) expect(events[index]?.event).toBe(value.type);
  });

  test("the terminal carries the whole text and the usage", async () => {
    const values = valuesOf(await askForEvents(demo.url, "responses", "hello"));
    const deltas = values.filter(({ type }) => type === "response.output_text.delta").map(({ delta }) => delta);
    expect(at(values.at(-1), "response", "output", 0, "content", 0, "text")).toBe(deltas.join(""));
    expect(at(values.at(-1), "response", "usage", "output_tokens")).toBe(deltas.length);
  });

  test("max_output_tokens ends as response.incomplete", async () => {
    const values = valuesOf(await askForEvents(demo.url, "responses", "hello", { max_output_tokens: 3 }));
    expect(values.at(-1)).toMatchObject({
      type: "response.incomplete",
      response: { incomplete_details: { reason: "max_output_tokens" }, usage: { output_tokens: 3 } },
    });
  });

  test("thinking is an output item of its own before the message", async () => {
    const values = valuesOf(await askForEvents(demo.url, "responses", "hello", { model: "demo-thinking" }));
    const output = at(values.at(-1), "response", "output");
    expect(output).toMatchObject([{ type: "reasoning" }, { type: "message" }]);
    expect(types(await askForEvents(demo.url, "responses", "hi", { model: "demo-thinking" }))).toContain(
      "response.reasoning_summary_text.delta",
    );
  });

  test("a tool call ends with its complete arguments", async () => {
    const values = valuesOf(await askForEvents(demo.url, "responses", "call the tool"));
    const done = values.find(({ type }) => type === "response.function_call_arguments.done");
    const pieces = values.filter(({ type }) => type === "response.function_call_arguments.delta");
    expect(done?.arguments).toBe(pieces.map(({ delta }) => delta).join(""));
    expect(at(values.at(-1), "response", "output", 1)).toMatchObject({ type: "function_call", name: "get_weather" });
  });

  test("[[error]] ends with error and response.failed", async () => {
    const values = valuesOf(await askForEvents(demo.url, "responses", "[[error]]"));
    expect(values.slice(-2).map(({ type }) => type)).toEqual(["error", "response.failed"]);
  });
});

describe.each(NAMES)("every dialect: %s", (name) => {
  test("a requested HTTP error has the provider's error body, and 429 has retry-after", async () => {
    const limited = await ask(demo.url, name, "[[error 429]]");
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(5);
    expect(await limited.json()).toHaveProperty("error.message");
    expect((await ask(demo.url, name, "[[error 500]]")).status).toBe(500);
  });

  test("a request that does not stream gets the complete answer that a stream would carry", async () => {
    const dialect = { anthropic: anthropicMessages, chat: openaiChat, responses: openaiResponses }[name];
    for (const prompt of ["hello", "please call a tool"]) {
      const fields = { model: "demo-thinking", stream: false };
      const streamed = await askForEvents(demo.url, name, prompt, { model: "demo-thinking" });
      const answer = await (await ask(demo.url, name, prompt, fields)).text();
      const whole = together(interpret(dialect, [unnamed(answer)]));
      const pieces = together(interpret(dialect, streamed));
      expect(whole.wholeAt).toBe(0);
      expect(whole.finish).toBe(pieces.finish);
      expect(whole.calls.map(({ name, arguments: json }) => [name, json])).toEqual(
        pieces.calls.map(({ name, arguments: json }) => [name, json]),
      );
      expect(whole.text === "" && whole.calls.length === 0).toBe(false);
      expect(whole.thinking).not.toBe("");
      expect(whole.usage.inputTokens).toBe(pieces.usage.inputTokens);
    }
  });

  test("a request that does not stream can fail as well", async () => {
    const answer = await ask(demo.url, name, "[[error]]", { stream: false });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toHaveProperty("error.message");
    await expect(ask(demo.url, name, "[[cut]]", { stream: false })).rejects.toThrow();
  });

  test("input is counted at about four characters a token", async () => {
    const text = await (await ask(demo.url, name, "x".repeat(4000))).text();
    const counts = [...text.matchAll(/"(?:input|prompt)_tokens":(\d+)/g)].map(([, count]) => Number(count));
    expect(counts.length).toBeGreaterThan(0);
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(10);
  });

  test("[[NxM]] sends exactly N tokens", async () => {
    const values = valuesOf(await askForEvents(demo.url, name, "[[1234x0]]"));
    const deltas = values.filter(
      (value) =>
        at(value, "delta", "text") !== undefined ||
        typeof value.delta === "string" ||
        Boolean(at(value, "choices", 0, "delta", "content")),
    );
    expect(deltas).toHaveLength(1234);
  });
});
