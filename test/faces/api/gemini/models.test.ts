import { describe, expect, test } from "@jest/globals";
import { setUp } from "../set-up.ts";

const METHODS = ["generateContent", "streamGenerateContent", "countTokens"];
const GEMINI = {
  name: "models/gemini",
  baseModelId: "gemini",
  version: "001",
  displayName: "gemini",
  supportedGenerationMethods: METHODS,
};

describe("the models for Google's clients", () => {
  test.each([
    ["/v1beta/models", {}],
    ["/v1/v1beta/models/", {}],
    ["/v1/models", { "x-goog-api-key": "any" }],
  ] as const)("at %s are those of its dialect, in its form", async (path, headers) => {
    await using up = await setUp();
    const response = await fetch(up.gateway.url + path, { headers });
    expect(await response.json()).toEqual({ models: [GEMINI] });
  });

  test("are found one by one", async () => {
    await using up = await setUp();
    expect(await (await fetch(`${up.gateway.url}/v1beta/models/gemini`)).json()).toEqual(GEMINI);
    const missing = await fetch(`${up.gateway.url}/v1beta/models/claude`);
    expect([missing.status, await missing.json()]).toMatchObject([404, { error: { status: "NOT_FOUND" } }]);
  });
});
