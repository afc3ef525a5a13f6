import { describe, expect, test } from "@jest/globals";
import { type Model, type Route, Routing } from "../../../src/core/dialect/routing.ts";
import { dialects } from "../../../src/dialects/registry.ts";

const route = (name: string, dialect: string, passModels?: Route["passModels"]): Route => {
  const found = dialects.get(dialect);
  if (!found) throw new Error(`no such dialect: ${dialect}`);
  return { name, dialect: found, key: undefined, headers: {}, ...(passModels !== undefined && { passModels }) };
};

const price = { input: 3, output: 15 };
const model = (alias: string, on: Route, upstreamModel = `${alias}-upstream`): Model => ({
  alias,
  route: on,
  upstreamModel,
  name: alias,
  defaults: { temperature: 0 },
  price,
  contextWindow: 1_000,
});

const claude = route("anthropic", "anthropic-messages", true);
const responses = route("openai", "openai-responses", true);
const chat = route("openai-chat", "openai-chat", true);
const kimi = route("moonshot", "openai-chat", ["kimi-*", "moonshot-v1"]);
const closed = route("local", "openai-chat");
const routing = new Routing(
  [claude, responses, chat, kimi, closed],
  [model("sonnet", claude), model("gpt", responses), model("gpt-5", responses, "gpt-5"), model("here", closed)],
);
const at = (name: string, dialect: string) => {
  const found = routing.modelAt(name, dialect);
  return [found.route.name, found.upstreamModel];
};

describe("a name at the API of a dialect", () => {
  test.each([
    ["sonnet", "anthropic-messages", "anthropic", "sonnet-upstream"],
    ["anthropic/sonnet", "anthropic-messages", "anthropic", "sonnet-upstream"],
    ["claude-opus-5-5", "anthropic-messages", "anthropic", "claude-opus-5-5"],
    ["anthropic/claude-opus-5-5", "anthropic-messages", "anthropic", "claude-opus-5-5"],
    ["org/model:free", "openai-chat", "openai-chat", "org/model:free"],
    ["kimi-k3", "openai-chat", "moonshot", "kimi-k3"],
    ["moonshot/kimi-k3", "openai-chat", "moonshot", "kimi-k3"],
    ["o5", "openai-chat", "openai-chat", "o5"],
    ["o5", "openai-responses", "openai", "o5"],
    // The alias is the provider's own name, which the other dialect's route passes.
    ["gpt-5", "openai-chat", "openai-chat", "gpt-5"],
    // It is not: where the alias leads says where to ask for it.
    ["gpt", "openai-chat", "openai", "gpt-upstream"],
  ])("%s at %s is asked for on %s as %s", (name, dialect, routeName, upstreamModel) => {
    expect(at(name, dialect)).toEqual([routeName, upstreamModel]);
  });

  test.each([
    ["o5", "plain-sse"],
    ["local/o5", "plain-sse"],
    ["with a blank", "openai-chat"],
    ["x".repeat(257), "openai-chat"],
    ["", "openai-chat"],
  ])("%s at %s is unknown", (name, dialect) => {
    expect(() => routing.modelAt(name, dialect)).toThrow(expect.objectContaining({ code: "unknown_model" }));
  });
});

test("a model by its own name has the price of the alias for it, and none of its defaults", () => {
  expect(routing.modelAt("sonnet-upstream", "anthropic-messages")).toMatchObject({
    alias: "sonnet-upstream",
    price,
    contextWindow: 1_000,
    defaults: {},
  });
  expect(routing.modelAt("claude-opus-5-5", "anthropic-messages").price).toBeUndefined();
});

test("a name without a dialect is an alias, route/alias, or route/name where the route passes it", () => {
  expect(routing.model("anthropic/sonnet").alias).toBe("sonnet");
  expect(routing.model("moonshot/kimi-k3")).toMatchObject({ route: kimi, upstreamModel: "kimi-k3" });
  for (const name of ["kimi-k3", "moonshot/gpt-5", "local/anything"]) {
    expect(() => routing.model(name)).toThrow(expect.objectContaining({ code: "unknown_model" }));
  }
});

test("a route that is named has a model where it passes the name, and is bare where it does not", () => {
  expect(routing.targetOn("moonshot", "kimi-k3")).toMatchObject({ route: kimi, model: { alias: "kimi-k3" } });
  expect(routing.targetOn("local", "any")).toEqual({ route: closed, model: undefined });
  expect(routing.targetOn("nowhere", "any")).toBeUndefined();
});

test("names that a route passes in full can be listed", () => {
  expect(routing.namedModels.map(({ alias }) => alias)).toEqual(["moonshot-v1"]);
});

describe("the price of a name that a route passes", () => {
  const own = { input: 1, output: 5 };
  const priced: Route = { ...route("anthropic", "anthropic-messages", true), prices: new Map([["claude-x", own]]) };

  test("is its route's for exactly that name", () => {
    const names = new Routing([priced], [model("sonnet", priced)]);
    expect(names.modelAt("claude-x", "anthropic-messages").price).toEqual(own);
    expect(names.modelAt("claude-x-20260101", "anthropic-messages").price).toBeUndefined();
  });

  test("is that of an alias for it, if there is one", () => {
    const names = new Routing([priced], [model("sonnet", priced, "claude-x")]);
    expect(names.modelAt("claude-x", "anthropic-messages").price).toEqual(price);
  });
});
