import Anthropic from "@anthropic-ai/sdk";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import OpenAI from "openai";
import { startTestGateway, type TestGateway } from "../support/gateways/gateway.ts";

/** Neither the clients nor the upstream were written here: what they agree on is not our reading of it. */
const mock = new LLMock({ port: 0 });
let gateway: TestGateway;
let openai: OpenAI;
let anthropic: Anthropic;

const ANSWER = "Bonjour — a longer answer, with an emoji 🙂 and several words.";
const CALL = { name: "get_weather", arguments: '{"city":"Paris"}' };
const say = (content: string) => [{ role: "user" as const, content }];

/** What the upstream is to count, in the words of all its dialects; left to itself it counts nothing, and says zeros. */
const usage = { prompt_tokens: 9, completion_tokens: 21, total_tokens: 30, input_tokens: 9, output_tokens: 21 };

beforeAll(async () => {
  mock.onMessage("hello", { content: ANSWER, usage });
  mock.onMessage("think", { content: "Done.", reasoning: "Let me see.", usage });
  mock.onMessage("weather", { toolCalls: [CALL], usage });
  mock.onMessage("refuse", { error: { message: "No such tool", type: "invalid_request_error" }, status: 400 });
  await mock.start();
  gateway = await startTestGateway({ upstream: mock.url });
  const options = { apiKey: "any", maxRetries: 0 };
  openai = new OpenAI({ ...options, baseURL: `${gateway.url}/v1` });
  anthropic = new Anthropic({ ...options, baseURL: gateway.url });
});

afterAll(async () => {
  await gateway.close();
  await mock.stop();
});

describe("chat completions", () => {
  test.each([true, false])("text and a tool call arrive whole (streamed: %p)", async (streamed) => {
    const ask = async (content: string) => {
      const request = { model: "gpt", messages: say(content) };
      if (streamed) return (await openai.chat.completions.stream(request).finalChatCompletion()).choices[0]?.message;
      return (await openai.chat.completions.create(request)).choices[0]?.message;
    };
    expect((await ask("hello"))?.content).toBe(ANSWER);
    expect((await ask("weather"))?.tool_calls).toMatchObject([{ function: CALL }]);
    await expect(ask("refuse")).rejects.toMatchObject({ status: 400, type: "invalid_request_error" });
  });
});

describe("responses", () => {
  test.each([true, false])("text and a tool call arrive whole (streamed: %p)", async (streamed) => {
    const ask = async (content: string) => {
      const request = { model: "responses", input: say(content) };
      return streamed ? await openai.responses.stream(request).finalResponse() : await openai.responses.create(request);
    };
    const text = await ask("hello");
    expect(text.output.flatMap((item) => (item.type === "message" ? item.content : []))).toMatchObject([
      { text: ANSWER },
    ]);
    expect((await ask("weather")).output).toContainEqual(expect.objectContaining({ type: "function_call", ...CALL }));
    await expect(ask("refuse")).rejects.toMatchObject({ status: 400, type: "invalid_request_error" });
  });
});

describe("messages", () => {
  test.each([true, false])("text, thinking and a tool call arrive whole (streamed: %p)", async (streamed) => {
    const ask = async (content: string) => {
      const request = { model: "claude", max_tokens: 200, messages: say(content) };
      return streamed
        ? await anthropic.messages.stream(request).finalMessage()
        : await anthropic.messages.create(request);
    };
    expect((await ask("hello")).content).toMatchObject([{ type: "text", text: ANSWER }]);
    expect((await ask("think")).content).toMatchObject([
      { type: "thinking", thinking: "Let me see." },
      { type: "text", text: "Done." },
    ]);
    expect((await ask("weather")).content).toMatchObject([
      { type: "tool_use", name: CALL.name, input: JSON.parse(CALL.arguments) },
    ]);
    await expect(ask("refuse")).rejects.toMatchObject({ status: 400, type: "invalid_request_error" });
  });
});

test("every answer is one completed or failed stream in the log, with exact usage if it completed", () => {
  const streams = gateway.log.lines.filter(({ event }) => event === "stream");
  expect(streams).toHaveLength(20);
  for (const { status, usage } of streams) {
    expect([status, usage]).toEqual([
      expect.stringMatching(/^(completed|failed)$/),
      { ...(usage as object), source: "exact" },
    ]);
  }
  expect(streams.filter(({ status }) => status === "failed")).toHaveLength(6);
});
