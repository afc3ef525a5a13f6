import { expect, test } from "@jest/globals";
import { connectRoutes } from "../../src/compose/routes.ts";
import { load } from "../config/sources.ts";

/** What a gateway with this configuration charges for a model that its client names as the provider does. */
const chargedFor = (name: string, more = {}) => {
  const config = load(
    { models: { m: { route: "anthropic", model: "claude-x" } }, ...more },
    { ANTHROPIC_API_KEY: "k" },
  );
  return connectRoutes(config, undefined).routing.modelAt(name, "anthropic-messages").price;
};

test("a passed model is charged at its provider's published price, so that a cap on cost holds for it", () => {
  expect(chargedFor("claude-opus-4-8")).toMatchObject({ input: 5, output: 25, asOf: "2026-11-28" });
  expect(chargedFor("claude-opus-99")).toBeUndefined();
  expect(chargedFor("claude-opus-4-8", { listPrices: false })).toBeUndefined();
});
