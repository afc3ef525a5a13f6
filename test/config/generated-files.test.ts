import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { Ajv } from "ajv";
import { ClientFrame } from "../../protocol/stream.ts";
import { generatedFiles } from "../../scripts/generate-schemas.ts";
import { load, problemsOf } from "./sources.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const files = generatedFiles();

test.each(Object.keys(files))("%s is what `npm run generate` writes", (path) => {
  expect(read(path)).toBe(files[path]);
});

const { listen, limits, log, openclaw } = load({});
const { streams, sockets, requests, passThrough, ...inFront } = limits;
const sections = {
  listen,
  limits: inFront,
  "limits.streams": streams,
  "limits.sockets": sockets,
  "limits.requests": requests,
  "limits.passThrough": passThrough,
  log,
  openclaw,
};
const defaults = Object.entries(sections).flatMap(([section, fields]) =>
  Object.entries(fields).map(([key, value]) => [`${section}.${key}`, JSON.stringify(value)] as const),
);

test.each(defaults)("docs/configuration.md gives %s the default %s", (key, value) => {
  const row = files["docs/configuration.md"]?.split("\n").find((line) => line.startsWith(`| \`${key}\``));
  expect(row?.split("|")[3]?.trim()).toBe(`\`${value}\``);
});

describe("the JSON Schema of the configuration agrees with the gateway", () => {
  const valid = new Ajv({ allowUnionTypes: true }).compile(JSON.parse(read("sluice.config.schema.json")));
  const route = { dialect: "openai-chat", baseUrl: "https://api.example.com", key: "k" };

  test.each([
    ["nothing", {}, true],
    ["the example", JSON.parse(read("sluice.config.example.json")), true],
    ["an unknown key", { listne: {} }, false],
    ["a port out of range", { listen: { port: 65_536 } }, false],
    ["a route without a base URL", { routes: { r: { dialect: "openai-chat" } } }, false],
    ["an unknown dialect", { routes: { r: { ...route, dialect: "x" } } }, false],
    ["a secret that is a number", { routes: { r: { ...route, key: 1 } } }, false],
    ["a secret by reference", { auth: { token: { file: "/t" } } }, true],
    ["a route name with a space", { routes: { "a b": route } }, false],
  ])("%s", (_, config, accepted) => {
    expect(valid(config)).toBe(accepted);
    const environment = { SLUICE_TOKEN: "0123456789abcdef", ANTHROPIC_API_KEY: "k" };
    expect(problemsOf({ demo: true, ...config }, environment, { "/t": "secret" }).length === 0).toBe(accepted);
  });
});

describe("the JSON Schema of the stream face agrees with the gateway", () => {
  const schema = JSON.parse(read("protocol/stream.schema.json"));
  const valid = new Ajv({ allowUnionTypes: true })
    .addSchema(schema, "stream")
    .compile({ $ref: "stream#/definitions/ClientFrame" });

  test.each([
    ["an open by model", { type: "open", id: "a", model: "m", body: {} }, true],
    ["an open by route", { type: "open", id: "a", route: "r", body: { x: [1] } }, true],
    ["an open by both", { type: "open", id: "a", model: "m", route: "r", body: {} }, false],
    ["an open by neither", { type: "open", id: "a", body: {} }, false],
    ["an open with an unknown key", { type: "open", id: "a", model: "m", body: {}, x: 1 }, false],
    ["a cancel", { type: "cancel", id: "a" }, true],
    ["an id with a space", { type: "cancel", id: "a b" }, false],
    ["an unknown type", { type: "close", id: "a" }, false],
  ])("%s", (_, frame, accepted) => {
    expect(valid(frame)).toBe(accepted);
    expect(ClientFrame.safeParse(frame).success).toBe(accepted);
  });
});
