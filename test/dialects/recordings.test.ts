/** The recorded streams of real providers, read by the interpreters and by the plainest possible reading beside them. */
import { describe, expect, test } from "@jest/globals";
import type { Dialect } from "../../src/core/dialect/dialect.ts";
import { dialects } from "../../src/dialects/registry.ts";
import { type Recording, recordings } from "../support/corpus.ts";
import { interpret, together } from "../support/interpret.ts";
import { NOT_HERE } from "../support/outer-corpus.ts";
import { recordedAnswer } from "../support/recorded-answer.ts";

function dialectOf(name: string): Dialect {
  const dialect = dialects.get(name);
  if (!dialect) throw new Error(`no dialect ${name}`);
  return dialect;
}

/** The one recording that fails: out of quota. */
const FAILED = "openai/openai-error.1";

if (recordings) replay(recordings);
else test.skip(NOT_HERE, () => {});

function replay(all: readonly Recording[]) {
  const answers = all.flatMap(({ title, dialect, answers }) =>
    answers.map((events, index) => ({
      title: answers.length > 1 ? `${title} #${index + 1}` : title,
      dialect,
      events,
    })),
  );
  const understood = answers.filter(({ dialect, title }) => dialect !== "plain-sse" && title !== FAILED);

  test("all 106 recordings have a dialect", () => {
    const count = (name: string) => all.filter(({ dialect }) => dialect === name).length;
    expect([...dialects.keys()].map((name) => [name, count(name)])).toEqual([
      ["anthropic-messages", 22],
      ["openai-chat", 22],
      ["openai-responses", 35],
      ["plain-sse", 27],
    ]);
  });

  describe.each(understood)("$title as $dialect", ({ dialect, events }) => {
    const meanings = interpret(dialectOf(dialect), events);
    const answer = together(meanings);
    const expected = recordedAnswer(dialect, events);

    test("is whole from its terminal on: cut before any event up to there, it is truncated", () => {
      expect(answer.wholeAt).toBe(expected.wholeAt);
    });

    test("has no error", () => {
      expect(meanings.filter((delta) => delta.error)).toEqual([]);
    });

    test("gives its usage", () => {
      expect(answer.usage).toEqual(expected.usage);
    });

    test("gives its text and its thinking", () => {
      expect({ text: answer.text, thinking: answer.thinking }).toEqual({
        text: expected.text,
        thinking: expected.thinking,
      });
    });

    test("gives its tool calls", () => {
      expect(answer.calls).toEqual(expected.calls);
    });
  });

  test("the recorded failure is reported at its error event, with the provider's words", () => {
    const failed = answers.find(({ title }) => title === FAILED);
    const meanings = interpret(dialectOf("openai-responses"), failed?.events ?? []);
    expect(meanings.findIndex((delta) => delta.error)).toBe(2);
    expect(meanings[2]?.error?.type).toBe("insufficient_quota");
    expect(together(meanings).wholeAt).toBe(-1);
  });
}
