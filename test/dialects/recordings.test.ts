/** Recorded streams, read by the interpreters and by the plainest possible reading beside them. */
import { describe, expect, test } from "@jest/globals";
import type { Dialect } from "../../src/core/dialect/dialect.ts";
import { dialects } from "../../src/dialects/registry.ts";
import { expectedOf, outerRecordings, type Recording, sources } from "../support/recordings/corpus.ts";
import { NOT_HERE } from "../support/recordings/outer-corpus.ts";
import { ownRecordings, unaryAnswers } from "../support/recordings/own-recordings.ts";
import { interpret, together, unnamed } from "../support/relay/interpret.ts";

function dialectOf(name: string): Dialect {
  const dialect = dialects.get(name);
  if (!dialect) throw new Error(`no dialect ${name}`);
  return dialect;
}

const answersOf = (recordings: readonly Recording[]) =>
  recordings.flatMap((recording) =>
    recording.answers.map((events, index) => ({
      title: recording.answers.length > 1 ? `${recording.title} #${index + 1}` : recording.title,
      dialect: recording.dialect,
      recording,
      events,
    })),
  );

describe.each(sources)("$from", ({ recordings }) => {
  const understood = answersOf(recordings).filter(
    ({ dialect, recording }) => dialect !== "plain-sse" && !recording.fails,
  );

  describe.each(understood)("$title as $dialect", ({ dialect, recording, events }) => {
    const deltas = interpret(dialectOf(dialect), events);
    const answer = together(deltas);
    const expected = expectedOf(recording, events);

    test("is complete from its terminal event on, and truncated before it", () => {
      expect(answer.wholeAt).toBe(expected.wholeAt);
    });

    test("has no error", () => {
      expect(deltas.filter((delta) => delta.error)).toEqual([]);
    });

    test("has its usage", () => {
      expect(answer.usage).toEqual(expected.usage);
    });

    test("has its text and thinking", () => {
      expect({ text: answer.text, thinking: answer.thinking }).toEqual({
        text: expected.text,
        thinking: expected.thinking,
      });
    });

    test("has its tool calls", () => {
      expect(answer.calls).toEqual(expected.calls);
    });
  });
});

describe("a recording of our own", () => {
  const streams = ownRecordings.map(({ title, dialect, expected, answers }) => ({
    title,
    dialect,
    expected,
    events: answers[0] ?? [],
  }));
  const unary = unaryAnswers.map(({ title, dialect, expected, body }) => ({
    title,
    dialect,
    expected,
    events: [unnamed(body)],
  }));

  test("exists for every dialect: streams, failures and, if the dialect has them, unary answers", () => {
    const count = (all: readonly { readonly dialect: string }[]) =>
      [...dialects.keys()].map((name) => all.filter(({ dialect }) => dialect === name).length);
    expect(count(streams)).toEqual([13, 20, 14, 16, 5]);
    expect(count(streams.filter(({ expected }) => expected.error))).toEqual([2, 3, 3, 2, 0]);
    expect(count(unary)).toEqual([2, 2, 3, 2, 0]);
  });

  const understood = [...streams, ...unary].filter(({ dialect }) => dialect !== "plain-sse");
  test.each(understood)("$title decodes to what its index says", ({ dialect, expected, events }) => {
    const { error, ...said } = expected;
    const deltas = interpret(dialectOf(dialect), events);
    const failure = deltas.findIndex((delta) => delta.error);
    // A failure is the last event, whatever the provider still sends.
    expect(together(failure < 0 ? deltas : deltas.slice(0, failure + 1))).toEqual({
      finish: undefined,
      sources: [],
      files: [],
      ...said,
    });
    expect(deltas[failure]?.error).toEqual(error);
  });

  const plain = streams.filter(({ dialect }) => dialect === "plain-sse");
  test.each(plain)("$title has the events that its index says, and none is decoded", ({ expected, events }) => {
    expect(events.map(({ event, data }) => [event ?? null, data])).toEqual(expected.events);
    expect(interpret(dialectOf("plain-sse"), events)).toEqual(events.map(() => ({})));
  });
});

if (outerRecordings) replayOuter(outerRecordings);
else test.skip(NOT_HERE, () => {});

function replayOuter(all: readonly Recording[]) {
  test("all 106 recordings have a dialect", () => {
    const count = (name: string) => all.filter(({ dialect }) => dialect === name).length;
    expect([...dialects.keys()].map((name) => [name, count(name)])).toEqual([
      ["anthropic-messages", 22],
      ["openai-chat", 22],
      ["openai-responses", 35],
      ["google-gemini", 5],
      ["plain-sse", 22],
    ]);
  });

  test("the one recorded failure is reported at its error event, with the provider's type", () => {
    const failed = all.filter(({ fails }) => fails);
    expect(failed.map(({ title }) => title)).toEqual(["openai/openai-error.1"]);
    const deltas = interpret(dialectOf("openai-responses"), failed[0]?.answers[0] ?? []);
    expect(deltas.findIndex((delta) => delta.error)).toBe(2);
    expect(deltas[2]?.error?.type).toBe("insufficient_quota");
    expect(together(deltas).wholeAt).toBe(-1);
  });
}
