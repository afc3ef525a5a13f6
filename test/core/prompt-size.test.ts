import { describe, expect, test } from "@jest/globals";
import { promptCharacters } from "../../src/core/prompt-size.ts";

describe("the size of a prompt", () => {
  test("is about that of its JSON", () => {
    const body = { model: "m", messages: [{ role: "user", content: "tell me a story" }], n: 1, stream: true };
    const size = JSON.stringify(body).length;
    expect(Math.abs(promptCharacters(body) - size)).toBeLessThan(size / 10);
  });

  test("counts an image by what a model sees in it, not by its bytes", () => {
    const data = "iVBORw0KGgo".repeat(100_000);
    const image = (url: string) => promptCharacters({ image_url: { url } });
    expect(image(`data:image/png;base64,${data}`)).toBeLessThan(7_000);
    expect(promptCharacters({ source: { type: "base64", data } })).toBeLessThan(7_000);
  });

  test("counts a long text in full", () => {
    expect(promptCharacters("word ".repeat(10_000))).toBeGreaterThan(50_000);
  });
});
