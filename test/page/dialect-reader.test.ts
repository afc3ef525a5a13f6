import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type DemoUpstream, startDemoUpstream } from "../../src/demo/demo-upstream.ts";
import { ask, type DialectName, eventsOf } from "../demo/ask-demo.ts";
import { loadDialectReader } from "./browser-modules.ts";

const { bodyFor, readEvent } = await loadDialectReader();
let demo: DemoUpstream;
beforeAll(async () => {
  demo = await startDemoUpstream({ pace: "instant" });
});
afterAll(() => demo.close());

/** All words of an answer of the demo upstream, by kind. */
async function words(demoDialect: DialectName, dialect: string, prompt: string, model = "demo") {
  const body = JSON.parse(JSON.stringify({ ...bodyFor(dialect, prompt), model }));
  const answer = eventsOf(await (await ask(demo.url, demoDialect, "", body)).text());
  const found = { text: "", thinking: "", tool: "" };
  for (const { data } of answer) {
    const piece = readEvent(dialect, data === "[DONE]" ? data : JSON.parse(data));
    if (piece) found[piece.kind] += piece.text;
  }
  return found;
}

describe.each([
  ["anthropic", "anthropic-messages"],
  ["chat", "openai-chat"],
  ["responses", "openai-responses"],
] as const)("%s", (demoDialect, dialect) => {
  test("the body carries the prompt, and the answer's text is read", async () => {
    const { text, thinking, tool } = await words(demoDialect, dialect, "What is a sluice?");
    expect(text).toContain("“What is a sluice?”");
    expect(text).not.toContain("[DONE]");
    expect([thinking, tool]).toEqual(["", ""]);
  });

  test("thinking and tool calls are told apart from the answer", async () => {
    const { text, thinking, tool } = await words(demoDialect, dialect, "call a tool", "demo-thinking");
    expect(thinking).not.toBe("");
    expect(text).toContain("You asked for a tool");
    expect(tool).toBe('get_weather {"location":"Lisbon","unit":"celsius"}');
  });

  test.each([null, "text", 5, [], {}, { type: "content_block_delta" }, { choices: [{}] }, { type: 5, delta: {} }])(
    "an event that says nothing gives nothing: %j",
    (data) => {
      expect(readEvent(dialect, data)).toBeUndefined();
    },
  );
});

describe("google-gemini", () => {
  const read = (...parts: readonly unknown[]) =>
    readEvent("google-gemini", { candidates: [{ content: { parts }, index: 0 }] });

  test("the body carries the prompt", () => {
    expect(bodyFor("google-gemini", "Hi")).toEqual({ contents: [{ role: "user", parts: [{ text: "Hi" }] }] });
  });

  test("text, thinking and calls are told apart", () => {
    expect(read({ text: "Six." })).toEqual({ kind: "text", text: "Six." });
    expect(read({ text: "Hm", thought: true })).toEqual({ kind: "thinking", text: "Hm" });
    expect(read({ functionCall: { name: "tide", args: { at: 6 } } })).toEqual({ kind: "tool", text: 'tide {"at":6}' });
  });

  test.each([null, "text", {}, { candidates: [{}] }, { candidates: [{ content: { parts: [{ text: "" }] } }] }])(
    "an event that says nothing gives nothing: %j",
    (data) => {
      expect(readEvent("google-gemini", data)).toBeUndefined();
    },
  );
});

test("events of an unknown dialect are shown unchanged", () => {
  expect(readEvent("plain-sse", "hello")).toEqual({ kind: "text", text: "hello\n" });
  expect(readEvent("plain-sse", { a: 1 })).toEqual({ kind: "text", text: '{"a":1}\n' });
});
