import { describe, expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/load.ts";
import { filesOf, load, model, problemsOf, route } from "./sources.ts";

describe("without a file", () => {
  test("the defaults are a loopback gateway with the demo upstream", () => {
    const config = load(undefined);
    expect(config.listen).toMatchObject({ host: "127.0.0.1", port: 18789 });
    expect(config.demo).toBe(true);
    expect(config.routes).toEqual({});
    expect(config.auth.token).toBeUndefined();
    expect(config.data).toEqual({ directory: "/app/.sluice", store: "sqlite", shared: false });
    expect(config.limits).toMatchObject({ streamsPerConnection: 32, logBytes: 1_048_576, sockets: { pingMs: 20_000 } });
  });

  test("a file named by SLUICE_CONFIG must exist", () => {
    expect(() => load(undefined, { SLUICE_CONFIG: "other.json" })).toThrow(
      "other.json: 1 problem\n  the file: found no such file, expected a readable file; set SLUICE_CONFIG or --config to one",
    );
  });

  test("an unreadable file prevents the start, even the default one", () => {
    const readFile = () => {
      throw Object.assign(new Error("no"), { code: "EACCES" });
    };
    expect(() => loadConfig({ env: {}, cwd: "/app", readFile })).toThrow("the file: found EACCES");
  });
});

describe("the file", () => {
  test("is sluice.config.json in the working directory, or the path in SLUICE_CONFIG relative to it", () => {
    const files = { "/app/etc/s.json": '{"listen":{"port":1}}', "/s.json": '{"listen":{"port":2}}' };
    const port = (env: Record<string, string>) =>
      loadConfig({ env, cwd: "/app", readFile: filesOf(files) }).listen.port;
    expect(port({})).toBe(18789);
    expect(port({ SLUICE_CONFIG: "etc/s.json" })).toBe(1);
    expect(port({ SLUICE_CONFIG: "/s.json" })).toBe(2);
  });

  test("is read from disk by default", () => {
    const config = loadConfig({
      env: { SLUICE_CONFIG: "sluice.config.example.json", ANTHROPIC_API_KEY: "k", SLUICE_TOKEN: "t" },
      cwd: new URL("../..", import.meta.url).pathname,
    });
    expect(Object.keys(config.routes)).toContain("anthropic");
  });

  test("may begin with a byte order mark and name its schema for editors", () => {
    const text = `\uFEFF${JSON.stringify({ $schema: "./sluice.config.schema.json", demo: true })}`;
    expect(load(undefined, {}, { "/app/sluice.config.json": text }).demo).toBe(true);
  });

  test.each([
    ['{"auth": {"token": "hunter2hunter2",}}', "invalid JSON"],
    ['{"a": hunter2hunter2}', "invalid JSON (Unexpected token 'h')"],
    ['{"a": 1', "invalid JSON"],
    ["", "invalid JSON (Unexpected end)"],
    ["[1]", "JSON that is not an object"],
  ])("that is not a JSON object (%s) is refused without quoting it", (text, found) => {
    const problems = problemsOf(undefined, {}, { "/app/sluice.config.json": text });
    expect(problems).toEqual([expect.stringContaining(`the file: found ${found}`)]);
    expect(problems.join()).not.toContain("hunter2");
  });

  test("turns the demo off by having routes, or on or off explicitly", () => {
    const routes = { r: route };
    const models = { m: model };
    expect(load({ routes, models }).demo).toBe(false);
    expect(load({ routes, models, demo: true }).demo).toBe(true);
    expect(load({ routes: {} }).demo).toBe(true);
    expect(problemsOf({ demo: false })).toEqual(["models: found no model, expected at least one, or demo: true"]);
  });
});

describe("the environment", () => {
  const env = {
    SLUICE_HOST: "localhost",
    SLUICE_PORT: "0",
    SLUICE_TOKEN: "from the environment",
    SLUICE_DATA: "elsewhere",
    SLUICE_LOG_LEVEL: "debug",
    SLUICE_COLLECTOR: "single",
    SLUICE_NODE_ADDRESS: "10.0.0.7",
  };
  const file = {
    listen: { host: "127.0.0.2", port: 7 },
    auth: { token: "from the file" },
    data: { directory: "/var/sluice", store: "memory" },
    log: { level: "warn", pretty: true },
    runtime: { collector: "parallel" },
  };

  test("overrides the file, field by field", () => {
    const config = load(file, env);
    expect(config.listen).toMatchObject({ host: "localhost", port: 0 });
    expect(config.auth.token?.reveal()).toBe("from the environment");
    expect(config.data).toEqual({ directory: "/app/elsewhere", store: "memory", shared: false });
    expect(config.log).toEqual({ level: "debug", pretty: true });
    expect(config.runtime).toEqual({ collector: "single" });
    expect(config.cluster.listen).toEqual({ host: "127.0.0.1", port: 0, address: "10.0.0.7" });
  });

  test("counts an empty variable as unset", () => {
    const empty = Object.fromEntries(Object.keys({ ...env, SLUICE_CONFIG: "" }).map((name) => [name, ""]));
    const config = load(file, empty);
    expect(config.listen).toMatchObject({ host: "127.0.0.2", port: 7 });
    expect(config.auth.token?.reveal()).toBe("from the file");
    expect(config.data.directory).toBe("/var/sluice");
  });

  test("is named in the problem with its value", () => {
    expect(problemsOf(file, { SLUICE_PORT: "eighty", SLUICE_LOG_LEVEL: "loud" })).toEqual([
      'listen.port (from --port or SLUICE_PORT): found "eighty", expected a number',
      expect.stringMatching(/^log.level \(from SLUICE_LOG_LEVEL\): found "loud", expected one of "debug", .*"silent"$/),
    ]);
  });

  test("does not hide a wrong section of the file", () => {
    expect(problemsOf({ listen: 80 }, { SLUICE_PORT: "1" })).toEqual(["listen: found 80, expected an object"]);
  });
});

describe("the Control UI", () => {
  const there = {
    "/app/.sluice/control-ui/index.html": "<!doctype html>",
    "/data/control-ui/index.html": "<!doctype html>",
  };
  const found = (
    env: Record<string, string> = {},
    files: Record<string, string> = there,
    config: unknown = undefined,
  ) => load(config, env, files).openclaw.controlUi;

  test("is the one installed in the data directory, if it exists", () => {
    expect(found()).toBe("/app/.sluice/control-ui");
    expect(found({ SLUICE_DATA: "/data" })).toBe("/data/control-ui");
    expect(found({}, {})).toBeUndefined();
  });

  test("is the path in the file or --control-ui, relative to the working directory", () => {
    expect(found({}, there, { openclaw: { controlUi: "ui" } })).toBe("/app/ui");
    expect(found({ SLUICE_CONTROL_UI: "/elsewhere" })).toBe("/elsewhere");
  });
});
