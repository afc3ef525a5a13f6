import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isObject, parseJson } from "../../../src/core/kernel/json.ts";
import { EventTemplate } from "../../../src/core/relay/event-template.ts";
import { dialects } from "../../../src/dialects/registry.ts";
import { sources } from "../../support/recordings/corpus.ts";

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

  const openai = (text: string, obfuscation: string, id = "c1", created = "1790000000") =>
    `{"id":"${id}","created":${created},"choices":[{"index":0,"delta":{"content":"${text}"}}],"obfuscation":"${obfuscation}"}`;

  /** Learned from two events that differ in all of these. */
  function learnedTwice(): EventTemplate {
    const template = learned(openai("zero", "x7Kq", "c0", "1789999999"), "zero");
    template.learn(undefined, openai("one", "x"), { text: "one" });
    return template;
  }

  test("matches when ids, times and obfuscation differ too once they have differed, and reads nothing from them", () => {
    const template = learnedTwice();
    expect(template.match(undefined, openai("two", ""))).toEqual({ text: "two" });
    expect(template.match(undefined, openai("three", "aaaaaaaaaaaa", "c2", "0"))).toEqual({ text: "three" });
  });

  test("compares a field that has not differed, and learns again when it does", () => {
    const template = learned(openai("one", "x", "c1"), "one");
    template.learn(undefined, openai("two", "yy", "c1"), { text: "two" });
    expect(template.match(undefined, openai("three", "", "c1"))).toEqual({ text: "three" });
    expect(template.match(undefined, openai("four", "", "c2"))).toBeUndefined();
    template.learn(undefined, openai("four", "", "c2"), { text: "four" });
    expect(template.match(undefined, openai("five", "zzz", "c3"))).toEqual({ text: "five" });
  });

  test.each([
    ["a time with a leading zero", openai("two", "x", "c1", "017")],
    ["a time that is no integer", openai("two", "x", "c1", "1.5")],
    ["a time that is text", openai("two", "x", "c1", '"17"')],
    ["no time", openai("two", "x", "c1", "")],
    ["a malformed escape in a free field", openai("two", "\\u004")],
    ["a control character in a free field", openai("two", "\n")],
    ["a field that is not free", openai("two", 'x","finish":"stop')],
  ])("does not match %s", (_what, data) => {
    expect(learnedTwice().match(undefined, data)).toBeUndefined();
  });

  test.each(['say "x"', "a\\b", "a\nb", "\\", '\\"', "\\\\", "\u0001"])("reads %j as JSON writes it", (text) => {
    expect(learned(chat("one"), "one").match(undefined, chat(text))).toEqual({ text });
  });

  test("matches when a free field is escaped", () => {
    const template = learnedTwice();
    expect(template.match(undefined, openai("two", '\\u0041\\"'))).toEqual({ text: "two" });
  });

  test("is not learned if the text stands in a free field alone", () => {
    const data = '{"id":"one","choices":[]}';
    expect(learned(data, "one").match(undefined, data)).toBeUndefined();
  });

  test.each([
    ["another event name", "other", chat("two")],
    ["another structure", undefined, chat("two", ',"role":"assistant"')],
    ["an empty text", undefined, chat("")],
    ["an unknown escape", undefined, chat("X").replace("X", "\\x")],
    ["an escape of too few digits", undefined, chat("X").replace("X", "\\u12")],
    ["a text that its last backslash leaves open", undefined, chat("X").replace("X", "\\")],
    ["a raw control character beside an escape", undefined, chat("X").replace("X", "\\n\u0001")],
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
      fc.constantFrom(",", '"', "\\", '\\"', "\\u00e9", "delta", "text", ":", "one"),
    );
    const number = fc.oneof(fc.nat().map(String), fc.constantFrom("00", "-1", "1e3", "1.5", '"1"', "null", ""));
    const responses = (text: string, free: string, sequence: string) =>
      `{"type":"response.output_text.delta","delta":"${text}","obfuscation":"${free}","sequence_number":${sequence}}`;
    const events = fc.array(
      fc.oneof(
        piece.map((text) => chat(text)),
        piece.map((text) => chat(text, ',"role":"assistant"')),
        piece.map(anthropic),
        fc.tuple(piece, piece, number).map(([text, free, time]) => openai(text, free, free, time)),
        fc.tuple(piece, piece, number).map(([text, free, time]) => responses(text, free, time)),
        // The same frame around raw characters, which may not be JSON at all.
        piece.map((text) => chat("X").replace('"X"', () => `"${text}"`)),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(events, fc.constantFrom("openai-chat", "anthropic-messages", "openai-responses"), (list, name) => {
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

  test.each(sources)("never changes what a recorded answer says ($from), and reads some of it", ({ recordings }) => {
    let matched = 0;
    for (const { dialect, answers } of recordings) {
      for (const answer of answers) {
        const plain = dialects.get(dialect)?.decoder();
        const fast = dialects.get(dialect)?.decoder();
        const template = new EventTemplate();
        for (const { event, data } of answer) {
          const value = parseJson(data);
          const expected = plain?.read(event, value, data) ?? {};
          const known = template.match(event, data);
          expect(known ?? fast?.read(event, value, data)).toEqual(expected);
          if (!known) template.learn(event, data, expected);
          if (expected.complete) template.forget();
          if (known) matched++;
        }
      }
    }
    expect(matched).toBeGreaterThan(0);
  });
});
