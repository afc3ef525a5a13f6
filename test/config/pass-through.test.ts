import { describe, expect, test } from "@jest/globals";
import { APIS } from "../../src/faces/api/request/apis.ts";
import { problemsOf } from "./sources.ts";

const route = (passThrough: readonly string[]) => ({
  dialect: "openai-chat",
  baseUrl: "https://a.example/v1",
  passThrough,
});
const problems = (routes: Record<string, readonly string[]>) =>
  problemsOf({
    routes: Object.fromEntries(Object.entries(routes).map(([name, paths]) => [name, route(paths)])),
    models: { m: { route: Object.keys(routes)[0], model: "m" } },
  });

describe("routes.<name>.passThrough", () => {
  test("refuses an entry of another form, and says which form it has", () => {
    expect(problems({ a: ["/v1/files"] })).toEqual([
      expect.stringMatching(/routes\.a\.passThrough\.0.*GET, POST or DELETE and a path below \/v1/),
    ]);
  });

  test.each([
    ...APIS.filter(({ path }) => path.startsWith("/v1/")).map(({ path }) => `POST ${path}`),
    "GET /v1/models",
    "GET /v1/models/*",
    "POST /v1/messages/*",
    "GET /v1/usage",
    "GET /v1/targets",
    "POST /v1/ticket",
    "GET /v1/streams/*/events",
    "POST /v1/stream/x",
    "POST /v1/models/*",
    "POST /v1/models/*/*",
    "POST /v1/tunedModels/*",
    ...["generateContent", "streamGenerateContent", "countTokens"].map((call) => `POST /v1/models/gemini:${call}`),
  ])("refuses %s, which the gateway serves itself", (text) => {
    expect(problems({ a: [text] })).toEqual([expect.stringContaining("which the gateway serves itself")]);
  });

  test("takes another of Google's methods for a model, by its whole name", () => {
    expect(problems({ a: ["POST /v1/models/gemini-embedding-001:embedContent"] })).toEqual([]);
  });

  test("refuses a GET or DELETE that two routes list, because nothing in it tells them apart", () => {
    expect(problems({ a: ["GET /v1/files/*"], b: ["POST /v1/files", "GET /v1/files/*"] })).toEqual([
      expect.stringMatching(/routes\.b\.passThrough\.1.*which routes\.a lists too/),
    ]);
    expect(problems({ a: ["POST /v1/embeddings"], b: ["POST /v1/embeddings"] })).toEqual([]);
  });
});
