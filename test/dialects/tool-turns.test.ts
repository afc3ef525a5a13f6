import { expect, test } from "@jest/globals";
import type { Conversation } from "../../src/core/dialect/dialect.ts";
import { anthropicMessages } from "../../src/dialects/anthropic-messages.ts";
import { googleGemini } from "../../src/dialects/google-gemini.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";
import { openaiResponses } from "../../src/dialects/openai-responses.ts";

const parameters = { type: "object", properties: { city: { type: "string" } } };
const turn: Conversation = {
  tools: [
    { name: "weather", description: "Tells the weather", parameters },
    { name: "time", parameters: {} },
  ],
  messages: [
    { role: "user", content: [{ type: "text", text: "Weather?" }] },
    {
      role: "assistant",
      content: [
        { type: "text", text: "I look." },
        { type: "toolCall", id: "c1", name: "weather", arguments: '{"city":"Ulm"}' },
        { type: "toolCall", id: "c2", name: "time", arguments: "not JSON" },
      ],
    },
    {
      role: "user",
      content: [
        { type: "toolResult", id: "c1", text: "rain" },
        { type: "toolResult", id: "c2", text: "no clock", isError: true },
        { type: "text", text: "And?" },
      ],
    },
  ],
};

test("Anthropic gets tools with input schemas, tool_use and tool_result blocks, results before text", () => {
  expect(anthropicMessages.conversation(turn)).toEqual({
    tools: [
      { name: "weather", description: "Tells the weather", input_schema: parameters },
      { name: "time", input_schema: {} },
    ],
    messages: [
      { role: "user", content: [{ type: "text", text: "Weather?" }] },
      {
        role: "assistant",
        content: [
          { type: "text", text: "I look." },
          { type: "tool_use", id: "c1", name: "weather", input: { city: "Ulm" } },
          { type: "tool_use", id: "c2", name: "time", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "c1", content: "rain" },
          { type: "tool_result", tool_use_id: "c2", content: "no clock", is_error: true },
          { type: "text", text: "And?" },
        ],
      },
    ],
  });
});

test("Chat Completions gets tool_calls, and a message of role `tool` for each result", () => {
  expect(openaiChat.conversation(turn)).toEqual({
    tools: [
      { type: "function", function: { name: "weather", description: "Tells the weather", parameters } },
      { type: "function", function: { name: "time", parameters: {} } },
    ],
    messages: [
      { role: "user", content: "Weather?" },
      {
        role: "assistant",
        content: "I look.",
        tool_calls: [
          { id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Ulm"}' } },
          { id: "c2", type: "function", function: { name: "time", arguments: "not JSON" } },
        ],
      },
      { role: "tool", tool_call_id: "c1", content: "rain" },
      { role: "tool", tool_call_id: "c2", content: "no clock" },
      { role: "user", content: "And?" },
    ],
  });
});

test("Responses gets calls and results as items of their own", () => {
  expect(openaiResponses.conversation(turn)).toMatchObject({
    tools: [
      { type: "function", name: "weather", parameters },
      { type: "function", name: "time" },
    ],
    input: [
      { role: "user" },
      { role: "assistant", content: [{ type: "output_text", text: "I look." }] },
      { type: "function_call", call_id: "c1", name: "weather", arguments: '{"city":"Ulm"}' },
      { type: "function_call", call_id: "c2", name: "time", arguments: "not JSON" },
      { type: "function_call_output", call_id: "c1", output: "rain" },
      { type: "function_call_output", call_id: "c2", output: "no clock" },
      { role: "user", content: [{ type: "input_text", text: "And?" }] },
    ],
  });
});

test("Gemini gets functions, calls with a signature for the first of each step, and results by their names", () => {
  expect(googleGemini.conversation(turn)).toEqual({
    tools: [
      {
        functionDeclarations: [
          { name: "weather", description: "Tells the weather", parametersJsonSchema: parameters },
          { name: "time", parametersJsonSchema: {} },
        ],
      },
    ],
    contents: [
      { role: "user", parts: [{ text: "Weather?" }] },
      {
        role: "model",
        parts: [
          { text: "I look." },
          {
            functionCall: { id: "c1", name: "weather", args: { city: "Ulm" } },
            // Google's own word for a call of which no signature is known.
            thoughtSignature: "skip_thought_signature_validator",
          },
          { functionCall: { id: "c2", name: "time", args: {} } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "c1", name: "weather", response: { output: "rain" } } },
          { functionResponse: { id: "c2", name: "time", response: { error: "no clock" } } },
          { text: "And?" },
        ],
      },
    ],
  });
});

test("Gemini gets a result under the name of the newest call with its id", () => {
  const call = (name: string) =>
    ({ role: "assistant", content: [{ type: "toolCall", id: "c", name, arguments: "{}" }] }) as const;
  const result = { role: "user", content: [{ type: "toolResult", id: "c", text: "it" }] } as const;
  const { contents } = googleGemini.conversation({ messages: [call("one"), result, call("two"), result] });
  const name = expect.objectContaining({ name: expect.any(String) });
  expect(contents).toMatchObject([
    {},
    { parts: [{ functionResponse: { name: "one" } }] },
    {},
    { parts: [{ functionResponse: name }] },
  ]);
  expect(contents).toMatchObject([{}, {}, {}, { parts: [{ functionResponse: { name: "two" } }] }]);
});

test.each([anthropicMessages, openaiChat, openaiResponses, googleGemini])(
  "$name sends a turn of calls alone",
  (dialect) => {
    const call = { type: "toolCall", id: "c1", name: "look", arguments: "{}" } as const;
    const asked = dialect.conversation({ messages: [{ role: "assistant", content: [call] }] });
    expect(JSON.stringify(asked)).toContain('"c1"');
    expect(asked).not.toHaveProperty("tools");
  },
);
