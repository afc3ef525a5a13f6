import { describe, expect, test } from "@jest/globals";
import { promptCharacters } from "../../src/core/prompt-size.ts";

const BASE64 = "iVBORw0KGgo".repeat(100_000);

describe("the size of a prompt", () => {
  test("is about that of its JSON", () => {
    const body = { model: "m", messages: [{ role: "user", content: "tell me a story" }], n: 1, stream: true };
    const size = JSON.stringify(body).length;
    expect(Math.abs(promptCharacters(body) - size)).toBeLessThan(size / 10);
  });

  test.each([
    ["openai-chat", { type: "image_url", image_url: { url: `data:image/png;base64,${BASE64}` } }],
    ["openai-responses", { type: "input_image", image_url: `data:image/png;base64,${BASE64}` }],
    ["anthropic-messages", { type: "image", source: { type: "base64", data: BASE64 } }],
  ])("counts an image of %s by what a model sees in it, not by its bytes", (_, part) => {
    const size = promptCharacters({ messages: [{ role: "user", content: [part] }] });
    expect(size).toBeGreaterThan(6_400);
    expect(size).toBeLessThan(6_600);
  });

  test("counts a text in full, whatever it looks like", () => {
    expect(promptCharacters({ content: BASE64 })).toBeGreaterThan(BASE64.length);
    expect(promptCharacters({ content: [{ type: "text", text: BASE64 }] })).toBeGreaterThan(BASE64.length);
  });
});
