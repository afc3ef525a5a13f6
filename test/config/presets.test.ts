import { describe, expect, test } from "@jest/globals";
import { PRESETS } from "../../src/config/presets.ts";
import { load, model, route } from "./sources.ts";

const keys = { ANTHROPIC_API_KEY: "a-key", OPENAI_API_KEY: "o-key", MOONSHOT_API_KEY: "m-key" };

describe("a provider's key in the environment", () => {
  test("adds its routes and models, and without a file the demo stays", () => {
    const config = load(undefined, keys);
    expect(Object.keys(config.routes)).toEqual(["anthropic", "openai", "openai-chat", "moonshot"]);
    expect(Object.keys(config.models)).toEqual(["claude-sonnet", "claude-haiku", "gpt", "kimi"]);
    expect(config.routes.anthropic?.key?.reveal()).toBe("a-key");
    expect(config.routes.moonshot).toMatchObject({ dialect: "openai-chat", baseUrl: "https://api.moonshot.ai/v1" });
    expect(config.demo).toBe(true);
  });

  test("adds routes that pass models on by the provider's own names", () => {
    const { routes } = load(undefined, keys);
    expect(Object.values(routes).map(({ passModels }) => passModels)).toEqual([
      true,
      true,
      true,
      ["kimi-*", "moonshot-*"],
    ]);
    expect(load({ routes: { r: route }, models: { m: { ...model, route: "r" } } }).routes.r?.passModels).toBe(false);
  });

  test("adds nothing when it is unset or empty", () => {
    expect(load(undefined, { ANTHROPIC_API_KEY: "" }).routes).toEqual({});
    expect(Object.keys(load(undefined, { OPENAI_API_KEY: "k" }).models)).toEqual(["gpt"]);
  });

  test("adds nothing to a route that the file defines", () => {
    const routes = { anthropic: route };
    const config = load({ routes, models: { m: { ...model, route: "anthropic" } } }, { ANTHROPIC_API_KEY: "k" });
    expect(config.routes.anthropic?.baseUrl).toBe(route.baseUrl);
    expect(Object.keys(config.models)).toEqual(["m"]);
  });

  test("comes after the file, whose models come first and keep their names", () => {
    const models = { mine: model, gpt: { ...model, model: "own" } };
    const config = load({ routes: { r: route }, models }, keys);
    expect(Object.keys(config.models)).toEqual(["mine", "gpt", "claude-sonnet", "claude-haiku", "kimi"]);
    expect(config.models.gpt?.model).toBe("own");
    expect(config.demo).toBe(false);
  });

  test.each(PRESETS.map((preset) => [preset.name, preset] as const))(
    "%s names only its own route in its models",
    (name, preset) => {
      for (const { route: used } of Object.values(preset.models)) expect(used).toBe(name);
    },
  );
});
