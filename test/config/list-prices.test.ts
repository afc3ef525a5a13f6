import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { listPrices, PRICE_LISTS } from "../../src/config/list-prices.ts";
import { load } from "./sources.ts";

const ANTHROPIC = { dialect: "anthropic-messages", baseUrl: "https://api.anthropic.com", key: "k" };
const SOURCE = "https://platform.claude.com/docs/en/about-claude/pricing";
const published = { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25, source: SOURCE, asOf: "2026-11-28" };

const priceOf = (model: object, more: object = {}, route: object = ANTHROPIC) =>
  load({ routes: { r: route }, models: { m: { route: "r", model: "claude-haiku-4-5", ...model } }, ...more }).models.m
    ?.price;

describe("a model without a price", () => {
  test("gets the published one of its provider, with the source and the day", () => {
    expect(priceOf({})).toEqual(published);
  });

  test.each([
    ["an unknown model", { model: "claude-haiku-9" }, ANTHROPIC],
    ["a snapshot of a known model", { model: "claude-haiku-4-5-20251001" }, ANTHROPIC],
    ["a name of every object", { model: "constructor" }, ANTHROPIC],
    ["the same model at a reseller", {}, { ...ANTHROPIC, baseUrl: "https://openrouter.ai/api/v1" }],
    ["the same model through a forwarder", {}, { ...ANTHROPIC, baseUrl: "http://127.0.0.1:8443" }],
  ])("has none if it is %s", (_what, model, route) => {
    expect(priceOf(model, {}, route)).toBeUndefined();
  });

  test("has none where the configuration wants none", () => {
    expect(priceOf({}, { listPrices: false })).toBeUndefined();
  });
});

test("each target without a price gets the published one of its own provider", () => {
  const elsewhere = { dialect: "anthropic-messages", baseUrl: "https://models.example.com", key: "k" };
  const model = "claude-haiku-4-5";
  const pricesOf = (more: object) => {
    const targets = [
      { route: "r", model },
      { route: "other", model },
    ];
    const { m } = load({ routes: { r: ANTHROPIC, other: elsewhere }, models: { m: { targets, ...more } } }).models;
    return [m?.price, ...(m?.fallback?.targets ?? []).map(({ price }) => price)];
  };
  expect(pricesOf({})).toEqual([published, published, undefined]);
  const own = { input: 9, output: 9 };
  expect(pricesOf({ price: own })).toEqual([own, own, own]);
});

test("a configured price is used as it is", () => {
  expect(priceOf({ price: { input: 9, output: 9 } })).toEqual({ input: 9, output: 9 });
});

describe("the published prices", () => {
  const lists = PRICE_LISTS.map((list) => [list.origin, list] as const);

  test.each(lists)("of %s name their source and the day they were looked up", (origin, { source, asOf, models }) => {
    expect(URL.parse(origin)?.origin).toBe(origin);
    expect(source).toMatch(/^https:\/\//);
    expect(asOf).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(listPrices(`${origin}/v1`).size).toBe(Object.keys(models).length);
  });

  test.each(lists)("of %s cost something, output more than input, and a cached token less", (_origin, { models }) => {
    for (const { input, output, cacheRead = 0 } of Object.values(models)) {
      expect(input).toBeGreaterThan(0);
      expect(output).toBeGreaterThan(input);
      expect(cacheRead).toBeLessThan(input);
    }
  });

  test("stand in docs/providers.md", () => {
    const page = readFileSync(new URL("../../docs/providers.md", import.meta.url), "utf8");
    for (const { source, asOf, models } of PRICE_LISTS) {
      for (const text of [source, asOf, ...Object.keys(models)]) expect(page).toContain(text);
    }
  });

  test("are there for every model that a key in the environment adds", () => {
    const env = { ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "o", MOONSHOT_API_KEY: "m" };
    const { models } = load({ demo: true }, env);
    expect(Object.entries(models).filter(([, { price }]) => price === undefined)).toEqual([]);
  });
});
