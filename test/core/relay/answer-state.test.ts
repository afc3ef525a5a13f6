import { describe, expect, jest, test } from "@jest/globals";
import { toByteString } from "../../../src/core/kernel/byte-string.ts";
import { AnswerState } from "../../../src/core/relay/answer-state.ts";
import type { DialectName } from "../../../src/dialects/registry.ts";
import { dialectOf } from "../../support/relay/routes.ts";

function answerOf(name: DialectName): AnswerState {
  return new AnswerState(dialectOf(name), {}, 40);
}

const say = (answer: AnswerState, content: string) => {
  const data = JSON.stringify({ choices: [{ index: 0, delta: { content } }] });
  return answer.read(undefined, data, toByteString(data).length);
};

describe("the state of an answer", () => {
  test("counts its characters, whether an event was parsed or matched by the template", () => {
    const answer = answerOf("openai-chat");
    for (const text of ["one ", "two ", "three"]) say(answer, text);
    expect(answer.characters).toBe(13);
  });

  test("counts characters beyond ASCII by their bytes, since each is closer to a token", () => {
    const answer = answerOf("openai-chat");
    say(answer, "你好");
    expect(answer.characters).toBe(6);
  });

  test("counts the bytes of a plain stream, whose usage is unknown", () => {
    const answer = answerOf("plain-sse");
    answer.read(undefined, "12345678", 8);
    expect(answer.characters).toBe(8);
    expect(answer.usage(true)).toEqual({ source: "unknown" });
  });

  test.each(["[DONE]", " [DONE]", "", "  "])(
    "takes %j as raw without a parser's error, which would cost more than the event",
    (data) => {
      const answer = answerOf("openai-chat");
      const parse = jest.spyOn(JSON, "parse");
      try {
        answer.read(undefined, data, data.length);
        expect(parse).not.toHaveBeenCalled();
      } finally {
        parse.mockRestore();
      }
      expect([answer.isRaw, answer.unreadEvents, answer.characters]).toEqual([true, 0, 0]);
    },
  );

  test("counts an undecoded event by its bytes: it was relayed and may contain text", () => {
    const answer = answerOf("openai-chat");
    answer.read(undefined, '{"choices":[', 12);
    answer.read(undefined, "[DONE]", 6);
    expect(answer.characters).toBe(12);
    expect([...answer.anomalies]).toEqual([["malformed", 1]]);
    expect(answer.usage(true)).toMatchObject({ source: "estimated", outputTokens: 3 });
  });

  test("has the provider's finish reason when it is cut at a limit", () => {
    const answer = answerOf("openai-chat");
    expect(answer.cutShort()).toEqual([]);
    expect(answer.finish).toBeUndefined();
    say(answer, "one");
    expect(answer.cutShort()).toHaveLength(2);
    expect(answer.finish).toBe("length");
    expect(answer.isWhole).toBe(false);
  });

  test("is raw after an event that is not JSON", () => {
    const answer = answerOf("openai-chat");
    say(answer, "one");
    expect(answer.isRaw).toBe(false);
    answer.read(undefined, "[DONE]", 6);
    expect(answer.isRaw).toBe(true);
    expect(answer.isWhole).toBe(true);
  });
});

describe("a complete answer", () => {
  const chunk = (answer: AnswerState, value: object) => {
    const data = JSON.stringify(value);
    return answer.read(undefined, data, data.length);
  };
  const stop = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };

  test("is open again, and has no finish reason, when it continues with texts that match the template", () => {
    const answer = answerOf("openai-chat");
    for (const text of ["one", "two"]) say(answer, text);
    chunk(answer, stop);
    expect([answer.isWhole, answer.finish]).toEqual([true, "stop"]);
    say(answer, "three");
    expect([answer.isWhole, answer.finish]).toEqual([false, undefined]);
    say(answer, "four");
    chunk(answer, stop);
    expect([answer.isWhole, answer.finish]).toEqual([true, "stop"]);
  });

  test("has exact usage if the report came after the last text, and estimated usage if before", () => {
    const report = { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } };
    const counted = answerOf("openai-chat");
    for (const event of [report, stop]) {
      say(counted, "text");
      chunk(counted, event);
    }
    expect(counted.usage(true)).toEqual({ source: "estimated", inputTokens: 7, outputTokens: 4 });
    chunk(counted, report);
    expect(counted.usage(true)).toEqual({ source: "exact", inputTokens: 7, outputTokens: 3 });
  });

  test("of a dialect without a terminal event is complete when its body has ended", () => {
    const answer = answerOf("plain-sse");
    expect(answer.isWhole).toBe(false);
    answer.bodyEnded();
    expect(answer.isWhole).toBe(true);
  });

  test("of several choices counts the text of all", () => {
    const answer = answerOf("openai-chat");
    chunk(answer, { choices: [{ index: 1, delta: { content: "12345678" } }] });
    expect(answer.characters).toBe(8);
    expect(answer.usage(true)).toMatchObject({ outputTokens: 2 });
  });
});
