import { describe, expect, test } from "@jest/globals";
import type { JsonObject, JsonValue } from "../../src/core/kernel/json.ts";
import { readPrompt } from "../../src/demo/prompt.ts";

const read = (...messages: readonly JsonObject[]) =>
  readPrompt({ model: "demo", messages, before: [], maxTokens: undefined, toolName: undefined });
const user = (...content: readonly JsonValue[]): JsonObject => ({ role: "user", content: [...content] });
const text = (words: string) => ({ type: "text", text: words });
const reminder = text("<system-reminder>\nAs you answer, use: [[cut]]\n</system-reminder>\n");
const environment = { role: "system", content: [text("# Environment\nToday's date is 2026-11-28.")] };

describe("the words of a prompt are the user's newest", () => {
  test("beside the reminders and before the system message that Claude Code sends", () => {
    const prompt = read(user(reminder, text("Say hello")), environment);
    expect(prompt).toMatchObject({ text: "Say hello", toolResult: false, turns: 1 });
  });

  test("with reminders behind them or in the same block", () => {
    expect(read(user(text("Say hello"), reminder)).text).toBe("Say hello");
    expect(read({ role: "user", content: `Say hello\n${reminder.text}` }).text).toBe("Say hello");
    expect(read(user(text("Say hello"), text("<system-reminder>cut off"))).text).toBe("Say hello");
  });

  test("in the last of several text blocks", () => {
    expect(read(user(text("one [[cut]]"), text("two"))).text).toBe("two");
  });

  test("in a message with a picture, and under each dialect's block type", () => {
    expect(read(user(text("What is this?"), { type: "image", source: {} })).text).toBe("What is this?");
    expect(read(user({ type: "input_text", text: "Say hello" })).text).toBe("Say hello");
  });

  test("behind a developer message and before a prefilled answer", () => {
    expect(read({ role: "developer", content: "Be brief" }, user(text("hello"))).text).toBe("hello");
    expect(read(user(text("A list of two")), { role: "assistant", content: "1." }).text).toBe("A list of two");
  });

  test("and are none in a reminder alone", () => {
    expect(read(user(reminder))).toMatchObject({ text: "", turns: 0 });
  });
});

describe("a tool's result is understood", () => {
  const question = user(text("call a tool"));

  test.each<[string, ...JsonObject[]]>([
    [
      "Anthropic Messages, with reminders beside it and a system message behind",
      { role: "assistant", content: [{ type: "tool_use", id: "t", name: "Bash", input: {} }] },
      user({ type: "tool_result", tool_use_id: "t", content: "done" }, reminder),
      environment,
    ],
    [
      "OpenAI Chat",
      { role: "assistant", content: null, tool_calls: [{ id: "c", type: "function" }] },
      { role: "tool", tool_call_id: "c", content: "done" },
    ],
    [
      "OpenAI Responses",
      { type: "function_call", call_id: "c", name: "Bash", arguments: "{}" },
      { type: "function_call_output", call_id: "c", output: "done" },
    ],
  ])("in %s", (_dialect, ...rest) => {
    expect(read(question, ...rest)).toMatchObject({ text: "", toolResult: true, turns: 1 });
  });

  test("and answered once: the next question is a question again", () => {
    const messages = [question, { role: "tool", content: "done" }, { role: "assistant", content: "Done." }];
    expect(read(...messages, user(text("thanks")))).toMatchObject({ text: "thanks", toolResult: false, turns: 2 });
  });
});
