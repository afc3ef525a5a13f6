import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { unreachableRoutes } from "../../src/compose/unreachable-routes.ts";
import { PROVIDER_NAMES, providerNamed } from "../../src/config/providers.ts";
import { load, problemsOf } from "./sources.ts";

const configOf = (route: object) => ({ routes: { p: route }, models: { m: { route: "p", model: "m-1" } } });
const routeOf = (route: object, env: Record<string, string> = {}) => load(configOf(route), env).routes.p;

describe.each(PROVIDER_NAMES)("the preset %s", (preset) => {
  const provider = providerNamed(preset);
  const env = provider?.keyEnv === undefined ? {} : { [provider.keyEnv]: "0123456789abcdef" };
  const given = provider?.addressForm === undefined ? {} : { baseUrl: "https://mine.example.com/openai/v1" };

  test("is a whole route, with the key of its variable", () => {
    const route = routeOf({ preset, ...given }, env);
    expect(route).toMatchObject({ preset, passModels: true, dialect: provider?.route.dialect });
    expect(route?.key?.variable).toBe(provider?.keyEnv);
  });

  test("is tried for what it lacks", () => {
    const problems = problemsOf(configOf({ preset }), {});
    const lacksAddress = `routes.p.baseUrl: found nothing, expected ${provider?.addressForm}`;
    const lacksKey = `routes.p.key: found no environment variable ${provider?.keyEnv}, expected a secret`;
    const lacking = provider?.addressForm ? [lacksAddress] : provider?.keyEnv ? [lacksKey] : [];
    expect(problems).toEqual(lacking);
  });

  test("yields to what the route has itself", () => {
    const own = {
      dialect: "openai-responses",
      baseUrl: "https://own.example.com",
      passModels: false,
      includeUsage: true,
    };
    expect(routeOf({ preset, ...own, key: "own-key-0123456789" })).toMatchObject(own);
  });

  test("stands in docs/providers.md with its address and its key's variable", () => {
    const page = readFileSync(new URL("../../docs/providers.md", import.meta.url), "utf8");
    const row = page.split("\n").find((line) => line.startsWith(`| \`${preset}\` `));
    for (const text of [provider?.route.baseUrl ?? provider?.addressForm ?? "", provider?.keyEnv ?? "none"])
      expect(row).toContain(text);
  });
});

test("a preset's key variable is not asked for beside keys", () => {
  const route = routeOf({ preset: "groq", keys: ["one-0123456789abcdef", "two-0123456789abcdef"] });
  expect([route?.key, route?.keys?.length]).toEqual([undefined, 2]);
});

test("an unknown preset is a problem that names the known ones", () => {
  const [problem] = problemsOf(configOf({ preset: "open-router" }));
  expect(problem).toMatch(/^routes\.p\.preset: found "open-router", expected one of "anthropic", .*"openrouter"/);
});

describe("a model server's preset", () => {
  const warningsOf = (baseUrl: string) => unreachableRoutes(load(configOf({ preset: "vllm", baseUrl })));

  test.each([
    "http://10.0.0.5:8000/v1",
    "http://192.168.1.9:8000/v1",
    "http://[fd00::5]:8000/v1",
    "http://gpu:8000/v1",
  ])("may be called in the house: %s", (baseUrl) => {
    expect(warningsOf(baseUrl)).toEqual([]);
  });

  test.each(["http://169.254.169.254/v1", "http://[fe80::1]/v1"])("may not be a metadata service: %s", (baseUrl) => {
    expect(warningsOf(baseUrl)).toEqual([expect.stringContaining("routes.p.allowPrivateNetwork")]);
  });
});

describe("a key in the environment", () => {
  const env = { MOONSHOT_API_KEY: "m-key-0123456789" };

  test("adds no route to another address of the same provider than the file's", () => {
    expect(Object.keys(load(configOf({ preset: "moonshot-cn" }), env).routes)).toEqual(["p"]);
  });

  test("adds its route beside one to the same address", () => {
    expect(Object.keys(load(configOf({ preset: "moonshot" }), env).routes)).toEqual(["p", "moonshot"]);
  });
});
