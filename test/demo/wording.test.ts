import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { demoRoutes } from "../../src/demo/demo-upstream.ts";
import { readDirectives } from "../../src/demo/directives.ts";
import { readPrompt } from "../../src/demo/prompt.ts";
import { seededRandom } from "../../src/demo/random.ts";
import { answerText, tokensOf } from "../../src/demo/wording.ts";

const promptOf = (text: string) =>
  readPrompt({ model: "demo", messages: text, before: [], maxTokens: undefined, toolName: undefined });
const answerTo = (text: string, seed = 1) => answerText(seededRandom(seed), promptOf(text), text, "Anthropic Messages");

describe("the answer", () => {
  test("says what it is, what was asked, and how to reach a real model", () => {
    const text = answerTo("What is a token?");
    expect(text).toContain("demo upstream");
    expect(text).toContain("“What is a token?”");
    expect(text).toContain("Anthropic Messages");
    expect(text).toContain("ANTHROPIC_API_KEY");
  });

  test("varies", () => {
    expect(new Set([1, 2, 3, 4, 5, 6, 7, 8].map((seed) => answerTo("hi", seed))).size).toBeGreaterThan(3);
  });

  test("always has characters of two, three and four bytes", () => {
    for (let seed = 0; seed < 50; seed++) {
      const text = answerTo("é", seed);
      expect(text).toMatch(/[\u0080-\u07ff]/);
      expect(text).toMatch(/[\u2010-\u2030]/);
    }
    expect(answerTo("hi", 3) + answerTo("hi", 4) + answerTo("hi", 5)).toMatch(/[\u{1f300}-\u{1faff}]/u);
  });

  test("quotes a long prompt in short, never splitting a character", () => {
    const text = answerTo("🌊".repeat(500));
    expect(text).toContain(`“${"🌊".repeat(119)}…”`);
    expect(text.isWellFormed()).toBe(true);
  });
});

test("tokens joined are the text, and each is well-formed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const tokens = tokensOf(text);
      expect(tokens.join("")).toBe(text);
      expect(tokens.every((token) => token !== "" && token.isWellFormed())).toBe(true);
    }),
  );
});

describe("directives", () => {
  test("are read anywhere in the prompt and removed from it", () => {
    const { directives, rest } = readDirectives("hello [[20x5]] there [[SLOW]] [[ error 503 ]]");
    expect(directives).toEqual({ slow: true, cut: false, flow: { tokens: 20, tokenMs: 5 }, error: { status: 503 } });
    expect(rest).toBe("hello there");
  });

  test("are bounded", () => {
    expect(readDirectives("[[999999x99999]]").directives.flow).toEqual({ tokens: 100_000, tokenMs: 60_000 });
  });

  test.each(["[[error 200]]", "[[hello]]", "[slow]", "[[5x]]", "[[cut"])("%s is ordinary text", (text) => {
    expect(readDirectives(text)).toEqual({ directives: { slow: false, cut: false }, rest: text });
  });
});

test("every model of the demo has a route of the demo", () => {
  const { routes, models } = demoRoutes("http://127.0.0.1:1");
  expect(models.map(({ alias }) => alias)).toEqual(["demo", "demo-chat", "demo-responses", "demo-thinking"]);
  for (const { route } of models) expect(routes.map(({ name }) => name)).toContain(route);
});

test("the demo's models cost nothing", () => {
  const { models } = demoRoutes("http://127.0.0.1:1");
  expect(models.map(({ price }) => price)).toEqual(models.map(() => ({ input: 0, output: 0 })));
});
