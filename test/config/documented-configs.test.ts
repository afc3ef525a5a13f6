import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { isObject } from "../../src/core/kernel/json.ts";
import { load } from "./sources.ts";

const docs = new URL("../../docs/", import.meta.url);
const env = { SLUICE_TOKEN: "0123456789abcdef", OPENAI_API_KEY: "sk", ANTHROPIC_API_KEY: "sk", OPENCLAW_TOKEN: "token" };

/** The JSON examples of the manual that are whole configurations: with routes and models. */
const configs = readdirSync(docs)
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) => {
    const blocks = readFileSync(new URL(name, docs), "utf8").matchAll(/^```json\n(.*?)^```/gms);
    return [...blocks].map(([, text = ""]): readonly [string, unknown] => [name, JSON.parse(text)]);
  })
  .filter(
    ([, config]) => isObject(config) && "routes" in config && isObject(config.models) && !("mode" in config.models),
  );

test.each(configs)("the whole configuration in docs/%s loads", (_, config) => {
  expect(Object.keys(load(config, env).models).length).toBeGreaterThan(0);
});

test("the manual shows whole configurations", () => {
  expect(configs.map(([name]) => name)).toContain("openclaw-gateway.md");
});
