import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { load, model, problemsOf, route } from "./sources.ts";

const canary = "canary-hunter2-hunter2";
const configWith = (secret: unknown) => ({
  auth: { token: secret },
  routes: { r: { ...route, key: secret, headers: { "x-account": secret } } },
  models: { m: model },
});

describe("a secret", () => {
  test.each([
    ["the text itself", canary, "the configuration"],
    ["an environment variable", { env: "MY_KEY" }, "MY_KEY"],
    ["a file", { file: "/run/secrets/key" }, "/run/secrets/key"],
    ["a file from the working directory", { file: "key" }, "key"],
  ])("is %s", (_, secret, origin) => {
    const files = { "/run/secrets/key": `${canary}\n`, "/app/key": canary };
    const config = load(configWith(secret), { MY_KEY: canary }, files);
    expect(config.auth.token?.reveal()).toBe(canary);
    expect(config.routes.r?.key?.reveal()).toBe(canary);
    expect(config.routes.r?.headers["x-account"]?.reveal()).toBe(canary);
    expect(String(config.auth.token)).toBe(`[secret from ${origin}]`);
  });

  test("is trimmed of blanks and line ends, wherever it comes from", () => {
    const files = { "/run/secrets/key": `\ufeff ${canary}\r\n\n` };
    for (const secret of [` ${canary}\n`, { env: "MY_KEY" }, { file: "/run/secrets/key" }]) {
      const config = load(configWith(secret), { MY_KEY: `${canary}\n` }, files);
      expect(config.auth.token?.reveal()).toBe(canary);
      expect(config.routes.r?.key?.reveal()).toBe(canary);
    }
    const { auth } = load({}, { SLUICE_TOKEN: `${canary}\n` });
    expect(auth.token?.reveal()).toBe(canary);
  });

  test("is masked whenever a configuration is printed", () => {
    const config = load(configWith(canary));
    for (const text of [JSON.stringify(config), inspect(config, { depth: 9 }), `${config.auth.token}`]) {
      expect(text).toContain("[secret from the configuration]");
      expect(text).not.toContain(canary);
    }
  });

  test("that cannot be resolved is a problem of its field, listed with all others", () => {
    expect(problemsOf(configWith({ env: "MY_KEY" }))).toEqual([
      "auth.token: found no environment variable MY_KEY, expected a secret",
      "routes.r.key: found no environment variable MY_KEY, expected a secret",
      "routes.r.headers.x-account: found no environment variable MY_KEY, expected a secret",
    ]);
    const [problem] = problemsOf(configWith({ file: "/none" }));
    expect(problem).toBe("auth.token: found no readable file /none, or an empty one, expected a secret");
  });

  test("cannot be empty", () => {
    const problems = problemsOf(configWith(""));
    expect(problems[0]).toBe("auth.token: found an empty string, expected a secret");
    expect(problemsOf(configWith({ env: "MY_KEY" }), { MY_KEY: "" })).toHaveLength(3);
    expect(problemsOf(configWith({ env: "MY_KEY" }), { MY_KEY: " \n" })).toHaveLength(3);
    expect(problemsOf(configWith({ file: "/empty" }), {}, { "/empty": "\n" })).toHaveLength(3);
  });

  test.each(["two\nlines", "ключ-ключ", "bell\u0007"])("must fit into a header: %j", (secret) => {
    expect(problemsOf({ auth: { token: secret } })).toEqual([
      "auth.token: found a secret with line breaks or characters outside Latin-1, expected a secret",
    ]);
  });

  test.each([5, {}, { env: "A", file: "b" }, { env: "not a name" }, ["x"]])("cannot be %j", (secret) => {
    expect(problemsOf({ auth: { token: secret } })[0]).toMatch(/^auth.token/);
  });
});
