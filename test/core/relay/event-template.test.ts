import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isObject, parseJson } from "../../../src/core/kernel/json.ts";
import { EventTemplate } from "../../../src/core/relay/event-template.ts";
import { dialects } from "../../../src/dialects/registry.ts";

const chat = (text: string, more = "") =>
  `{"id":"c1","choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}${more}},"finish_reason":null}]}`;
const anthropic = (text: string) =>
  `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${JSON.stringify(text)}}}`;

function learned(data: string, text: string): EventTemplate {
  const shape = new EventTemplate();
  shape.learn(undefined, data, { text });
  return shape;
}

describe("an event template", () => {
  test("matches when only the text differs", () => {
    expect(learned(chat("one"), "one").match(undefined, chat(" two — 🙂"))).toEqual({ text: " two — 🙂" });
  });

  test.each([
    ["another event name", "other", chat("two")],
    ["another structure", undefined, chat("two", ',"role":"assistant"')],
    ["an empty text", undefined, chat("")],
    ["a text with a quote", undefined, chat('say "x"')],
    ["a text with a backslash", undefined, chat("a\\b")],
    ["a text with a line break", undefined, chat("a\nb")],
    ["a raw control character", undefined, chat("X").replace("X", "\u0001")],
    ["an end that overlaps the beginning", undefined, '{"id":"c1","choices":[{"index":0,"delta":{"content":"}}]}'],
  ])("does not match %s", (_what, name, data) => {
    expect(learned(chat("one"), "one").match(name, data)).toBeUndefined();
  });

  test.each([
    ["the text's literal stands elsewhere too", '{"id":"one","choices":[{"delta":{"content":"one"}}]}'],
    ["the literal spans two strings", '{"a":"x","b":"y","content":","}'],
    ["anything is escaped", '{"decoy":"one","choices":[{"delta":{"content":"\\u006fne"}}]}'],
  ])("is not learned if %s", (_why, data) => {
    const text = data.includes('","') && data.includes('"content":","') ? "," : "one";
    expect(learned(data, text).match(undefined, data)).toBeUndefined();
  });

  test("is not learned from events with more than text", () => {
    const shape = new EventTemplate();
    shape.learn(undefined, chat("one"), { text: "one", finish: "stop" });
    expect(shape.match(undefined, chat("two"))).toBeUndefined();
  });

  test("never changes an event's delta or whether it is JSON", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom(",", '"', "\\", "delta", "text", ":", "one"),
    );
    const events = fc.array(
      fc.oneof(
        piece.map((text) => chat(text)),
        piece.map((text) => chat(text, ',"role":"assistant"')),
        piece.map(anthropic),
        // The same frame around raw characters, which may not be JSON at all.
        piece.map((text) => chat("X").replace('"X"', () => `"${text}"`)),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(events, fc.constantFrom("openai-chat", "anthropic-messages"), (list, name) => {
        const plain = dialects.get(name)?.decoder();
        const fast = dialects.get(name)?.decoder();
        const shape = new EventTemplate();
        for (const data of list) {
          const value = parseJson(data);
          const expected = plain?.read(undefined, value, data);
          const known = shape.match(undefined, data);
          if (known) {
            expect(isObject(value)).toBe(true);
            expect(known).toEqual(expected);
          } else {
            const read = fast?.read(undefined, value, data) ?? {};
            expect(read).toEqual(expected);
            shape.learn(undefined, data, read);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
