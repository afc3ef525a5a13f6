import { describe, expect, test } from "@jest/globals";
import { googleGemini } from "../../src/dialects/google-gemini.ts";
import { interpret, together, unnamed } from "../support/relay/interpret.ts";

const piece = (text: string, more: object = {}) => ({
  candidates: [{ content: { parts: [{ text }], role: "model" }, index: 0, ...more }],
});

describe("a request", () => {
  test("has the model and the method in its path, and the key in Google's header", () => {
    expect(googleGemini.address("secret", { model: "gemini-3-pro" })).toEqual({
      path: "/models/gemini-3-pro:streamGenerateContent?alt=sse",
      headers: { "x-goog-api-key": "secret" },
    });
    const whole = googleGemini.address(undefined, { model: "gemini-3-pro", unary: true });
    expect(whole).toEqual({ path: "/models/gemini-3-pro:generateContent", headers: {} });
  });

  test.each([
    ["models/gemini-3-pro", "/models/gemini-3-pro:"],
    ["tunedModels/mine", "/tunedModels/mine:"],
    ["v1/files?x=1#", "/models/v1%2Ffiles%3Fx%3D1%23:"],
    ["a:b", "/models/a%3Ab:"],
  ])("for %j stays below its collection", (model, path) => {
    expect(googleGemini.address(undefined, { model }).path.startsWith(path)).toBe(true);
  });

  test("has its headers without a model", () => {
    expect(googleGemini.address("secret").headers).toEqual({ "x-goog-api-key": "secret" });
  });

  test.each([undefined, ""])("for the model %j is refused", (model) => {
    expect(() => googleGemini.address(undefined, { model })).toThrow("names no model");
  });

  test.each(["../files/x", "a/../../files", "..", "models/..", "a//b", "a/"])(
    "has no model %j: a proxy may decode it",
    (model) => {
      expect(() => googleGemini.address(undefined, { model })).toThrow("this is no model's name");
    },
  );

  test("has no field that Google does not know", () => {
    const body = { model: "m", stream: true, contents: [], cachedContent: "cachedContents/1" };
    expect(googleGemini.body({ body, model: "other" })).toEqual({ contents: [], cachedContent: "cachedContents/1" });
  });

  test.each([
    ["low", 1_024],
    ["medium", 8_192],
    ["high", 24_576],
  ])("with %s effort has a thinking budget of %i tokens, and asks for the thoughts", (thinking, thinkingBudget) => {
    const { generationConfig } = googleGemini.conversation({ messages: [], thinking });
    expect(generationConfig).toEqual({ thinkingConfig: { thinkingBudget, includeThoughts: true } });
  });

  test.each([undefined, "off"])("with the effort %j leaves thinking to the model", (thinking) => {
    expect(googleGemini.conversation({ messages: [], ...(thinking && { thinking }) })).toEqual({ contents: [] });
  });

  test("has the system prompt, and neither earlier thinking nor empty messages", () => {
    const text = { type: "text", text: "Hi" } as const;
    const thinking = { type: "thinking", text: "Hm", signature: "of another provider" } as const;
    const asked = googleGemini.conversation({
      system: "Be brief.",
      messages: [
        { role: "user", content: [text] },
        { role: "assistant", content: [thinking] },
        { role: "assistant", content: [thinking, text] },
      ],
    });
    expect(asked).toEqual({
      systemInstruction: { parts: [{ text: "Be brief." }] },
      contents: [
        { role: "user", parts: [{ text: "Hi" }] },
        { role: "model", parts: [{ text: "Hi" }] },
      ],
    });
  });
});

describe("an answer", () => {
  const wholeAt = (asked: object, ...events: readonly object[]) => {
    const decoder = googleGemini.decoder(asked as never);
    const deltas = events.map((event) => decoder.read(undefined, event as never, ""));
    return deltas.map(({ complete }) => complete);
  };

  test("is open until each candidate asked for has a finish reason", () => {
    const two = { generationConfig: { candidateCount: 2 } };
    const other = { candidates: [{ content: { parts: [{ text: "b" }] }, finishReason: "STOP", index: 1 }] };
    expect(wholeAt(two, piece("a", { finishReason: "STOP" }), other)).toEqual(["open", "whole"]);
  });

  test("goes on if text follows a finish reason, and is complete at the body's end if every chunk has one", () => {
    const stop = { finishReason: "STOP" };
    expect(wholeAt({}, piece("a", stop), piece("b"), piece("c", stop))).toEqual(["whole", "open", "at_end"]);
  });

  test("is not ended by a reason that is not set", () => {
    expect(wholeAt({}, piece("a", { finishReason: "FINISH_REASON_UNSPECIFIED" }))).toEqual([undefined]);
  });

  test("counts the text of other candidates, and what Vertex AI streams of a call's arguments", () => {
    const other = { candidates: [{ content: { parts: [{ text: "four" }] }, index: 1 }] };
    const part = { functionCall: { partialArgs: [{ jsonPath: "$", stringValue: "seven.." }], willContinue: true } };
    const streamed = { candidates: [{ content: { parts: [part] }, index: 0 }] };
    const [one, two] = interpret(googleGemini, [unnamed(other), unnamed(streamed)]);
    expect(one).toEqual({ otherCharacters: 4 });
    expect(two?.otherCharacters).toBeGreaterThanOrEqual(7);
  });

  test("with an empty error beside its candidates is read all the same", () => {
    expect(together(interpret(googleGemini, [unnamed({ ...piece("a"), error: {} })])).text).toBe("a");
  });
});
