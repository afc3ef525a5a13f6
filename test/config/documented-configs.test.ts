import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { isObject } from "../../src/core/kernel/json.ts";
import { load } from "./sources.ts";

const docs = new URL("../../docs/", import.meta.url);
/** A value for each environment variable that the examples name. */
const envOf = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/"env": "(\w+)"/g)].map(([, name = ""]) => [name, "0123456789abcdef"]));

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
  expect(Object.keys(load(config, envOf(JSON.stringify(config, undefined, 1))).models).length).toBeGreaterThan(0);
});

test("the manual shows whole configurations", () => {
  expect(configs.map(([name]) => name)).toContain("openclaw-gateway.md");
});
