import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { STREAM_PATH } from "../../protocol/stream.ts";
import { asObject, asString, type JsonObject } from "../../src/core/kernel/json.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";

const document = JSON.parse(readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8"));
const operations = Object.entries(document.paths as Record<string, Record<string, JsonObject>>).flatMap(
  ([path, item]) => Object.entries(item).map(([method, operation]) => [method.toUpperCase(), path, operation] as const),
);

/** What OpenAPI 3.1 requires of the parts that are used (specification 3.1.0, sections 4.8.1 to 4.8.17). */
const SHAPE = {
  type: "object",
  required: ["openapi", "info", "paths"],
  properties: {
    openapi: { pattern: "^3\\.1\\.\\d+$" },
    info: { type: "object", required: ["title", "version"] },
    paths: {
      propertyNames: { pattern: "^/" },
      additionalProperties: {
        propertyNames: { enum: ["get", "post", "delete", "put", "patch", "head", "options"] },
        additionalProperties: {
          type: "object",
          required: ["operationId", "responses"],
          properties: {
            parameters: {
              items: {
                required: ["name", "in", "schema"],
                properties: { in: { enum: ["query", "header", "path", "cookie"] } },
                anyOf: [
                  { properties: { in: { enum: ["query", "header", "cookie"] } } },
                  { required: ["required"], properties: { required: { const: true } } },
                ],
              },
            },
            requestBody: { required: ["content"] },
            responses: {
              minProperties: 1,
              propertyNames: { pattern: "^([1-5](\\d\\d|XX)|default)$" },
              additionalProperties: { anyOf: [{ required: ["$ref"] }, { required: ["description"] }] },
            },
          },
        },
      },
    },
  },
};

/** All values under a key, however deep. */
function under(key: string, value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, below]) => [...(name === key ? [below] : []), ...under(key, below)]);
}

describe("docs/openapi.json", () => {
  test("is OpenAPI 3.1: its shape, its references and its schemas", () => {
    const ajv = new Ajv2020({ strict: false });
    expect([ajv.validate(SHAPE, document), ajv.errors]).toEqual([true, null]);
    for (const reference of under("$ref", document)) {
      const found = asString(reference)
        ?.slice(2)
        .split("/")
        .reduce<JsonObject | undefined>((at, key) => asObject(at?.[key]), document);
      expect([reference, found !== undefined]).toEqual([reference, true]);
    }
    const { components } = document;
    for (const schema of under("schema", document))
      expect(ajv.compile({ ...asObject(schema), components })).toBeDefined();
    const ids = operations.map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("declares every part of a path that is a parameter", () => {
    for (const [, path, { parameters = [] }] of operations) {
      const declared = (parameters as JsonObject[]).filter((one) => one.in === "path").map(({ name }) => name);
      expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  });

  test("has every path that the sources serve over HTTP", () => {
    const sources = globSync("src/{faces,transport,core,observe,page}/**/*.ts", {
      exclude: (name) => name === "static",
    })
      .map((file) => readFileSync(file, "utf8"))
      .join("\n");
    const served = [...sources.matchAll(/(?:path: |PATH = |path === )"(\/[a-z][^"]*)"/g)].map(([, path = ""]) => path);
    expect(served).toContain("/v1/messages");
    // A socket, and the scripts of the start page.
    const others = [STREAM_PATH, "/client/"];
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(served.filter((path) => !others.includes(path))),
    );
  });

  test("sees every path of a face: none hides in a pattern", () => {
    const patterns = globSync("src/{faces,transport/auth,observe,page}/**/*.ts").filter((file) =>
      /\/\^[^\n]*\\\/v1/.test(readFileSync(file, "utf8")),
    );
    // They read paths of Google's, of which there are many forms, or paths that are not served.
    const forms = ["api/missing.ts", "api/models.ts", "api/request/google-path.ts"].map((file) => `src/faces/${file}`);
    expect(patterns.sort()).toEqual(forms);
  });

  test("has every method of the paths that have several, and Google's list of models", () => {
    const listed = operations.map(([method, path]) => `${method} ${path}`);
    expect(listed).toEqual(
      expect.arrayContaining([
        "GET /v1/streams",
        "DELETE /v1/streams/{stream}",
        "GET /v1beta/models",
        "GET /v1beta/models/{model}",
      ]),
    );
  });

  test("has no path that a gateway does not serve", async () => {
    await using gateway = await startTestGateway();
    for (const [method, path] of operations) {
      const url = gateway.url + path.replaceAll(/\{(\w+)\}/g, "demo");
      const body = method === "POST" ? { body: "{}", headers: { "content-type": "application/json" } } : {};
      const response = await fetch(url, { method, ...body });
      const text = await response.text();
      // Unknown paths and methods are answered with this word; an unknown stream or model has another.
      expect([method, path, /is not served here|no such page/.test(text)]).toEqual([method, path, false]);
      expect(response.status).not.toBe(405);
    }
    expect(await (await fetch(`${gateway.url}/v1/nothing`)).text()).toContain("is not served here");
  });
});
