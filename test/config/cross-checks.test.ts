import { describe, expect, test } from "@jest/globals";
import { openFilesWarning, warningsOf } from "../../src/config/cross-checks.ts";
import { load, model, problemsOf, route } from "./sources.ts";

const token = "0123456789abcdef";

describe("the start is refused", () => {
  test.each(["0.0.0.0", "::", "192.168.1.5", "sluice.example.com", "127.0.0.1.example.com"])(
    "when it would listen on %s without a token",
    (host) => {
      expect(problemsOf({ listen: { host } })).toEqual([
        `listen.host: found ${host} with no token, open to everyone who can reach it, expected auth.token (or SLUICE_TOKEN) to be set, auth.required with gateway keys, or a loopback host such as 127.0.0.1`,
      ]);
      expect(problemsOf({ listen: { host } }, { SLUICE_TOKEN: token })).toEqual([]);
      expect(problemsOf({ listen: { host }, auth: { required: true } })).toEqual([]);
    },
  );

  test.each(["0.0.0.0", "::", "192.168.1.5", "sluice.example.com"])(
    "when it would listen on %s with a token that can be guessed, without saying it",
    (host) => {
      expect(problemsOf({ listen: { host } }, { SLUICE_TOKEN: token.slice(1) })).toEqual([
        `auth.token (from SLUICE_TOKEN): found fewer than 16 characters while listening on ${host}, where it can be guessed, expected a long random token, such as openssl rand -hex 32 prints`,
      ]);
    },
  );

  test.each(["127.0.0.1", "127.8.8.8", "::1", "localhost", "::ffff:127.0.0.1"])("but not on loopback: %s", (host) => {
    expect(problemsOf({ listen: { host } })).toEqual([]);
    expect(problemsOf({ listen: { host } }, { SLUICE_TOKEN: "short" })).toEqual([]);
  });

  test("when an upstream is to keep conversations of which it hears no name", () => {
    expect(problemsOf({ routes: { r: { ...route, keepsHistory: true } }, models: { m: model } })).toEqual([
      "routes.r.keepsHistory: found true without a sessionHeader, expected a sessionHeader beside it, by which the upstream knows the conversation",
    ]);
    const named = { ...route, sessionHeader: "X-Openclaw-Session-Key", keepsHistory: true };
    expect(problemsOf({ routes: { r: named }, models: { m: model } })).toEqual([]);
  });

  test("when a model's route is not there", () => {
    expect(problemsOf({ routes: { r: route, s: route }, models: { m: { ...model, route: "t" } } })).toEqual([
      'models.m.route: found "t", which is not a route, expected one of r, s',
    ]);
  });

  test("when a target's route is not there", () => {
    const targets = [model, { ...model, route: "t" }];
    expect(problemsOf({ routes: { r: route }, models: { m: { targets } } })).toEqual([
      'models.m.targets.1.route: found "t", which is not a route, expected one of r',
    ]);
    expect(problemsOf({ routes: { r: route }, models: { m: { targets: [model, model] } } })).toEqual([]);
  });

  test("when a model has targets beside its route, or neither", () => {
    expect(problemsOf({ routes: { r: route }, models: { m: { ...model, targets: [model] } } })).toEqual([
      "models.m.targets: found targets beside route or model, expected either targets, or route and model",
    ]);
    expect(problemsOf({ routes: { r: route }, models: { m: {} } })).toEqual([
      "models.m.route: found nothing, expected a route and a model, or targets",
    ]);
    expect(problemsOf({ routes: { r: route }, models: { m: { route: "r" } } })).toEqual([
      "models.m.model: found nothing, expected the upstream's own model id",
    ]);
  });

  test("when one of several targets keeps the conversation itself", () => {
    const keeps = { ...route, sessionHeader: "x-session", keepsHistory: true };
    const models = { m: { targets: [model, { ...model, route: "k" }] } };
    expect(problemsOf({ routes: { r: route, k: keeps }, models })).toEqual([
      'models.m.targets: found "k", a route that keepsHistory, expected targets that are sent the whole conversation',
    ]);
  });

  test("when a route has keys beside its key", () => {
    expect(problemsOf({ routes: { r: { ...route, key: "sk-one", keys: ["sk-two"] } }, models: { m: model } })).toEqual([
      "routes.r.keys: found keys beside key, expected either one key or several keys",
    ]);
  });

  test("when the default model is not there", () => {
    expect(problemsOf({ routes: { r: route }, models: { m: model }, defaultModel: "n" })).toEqual([
      'defaultModel: found "n", which is not a model, expected one of m',
    ]);
  });

  test("when the demo's names are used with the demo off, and only then", () => {
    const config = { models: { mine: { route: "demo-anthropic", model: "x" } }, defaultModel: "demo-anthropic" };
    expect(problemsOf({ ...config, demo: true })).toEqual([]);
    expect(problemsOf({ ...config, demo: false })).toEqual([
      'models.mine.route: found "demo-anthropic", which is not a route, expected one that is configured',
      'defaultModel: found "demo-anthropic", which is not a model, expected one of mine',
    ]);
  });
});

describe("a warning is given", () => {
  const warnings = (config: unknown) => warningsOf(load(config));

  test("never for a configuration that is fine", () => {
    const secured = { ...route, key: "k" };
    expect(warnings({})).toEqual([]);
    expect(warnings({ auth: { token }, routes: { r: secured }, models: { m: model } })).toEqual([]);
  });

  test("for a model that chat clients cannot use", () => {
    const config = { routes: { r: { ...route, dialect: "plain-sse" } }, models: { m: model } };
    expect(warnings(config)).toEqual([expect.stringContaining("models.m: plain-sse")]);
  });

  test("for a key sent over plain http beyond this machine", () => {
    const at = (baseUrl: string) => ({ routes: { r: { ...route, baseUrl, key: "k" } }, models: { m: model } });
    expect(warnings(at("http://10.0.0.5"))).toEqual([expect.stringContaining("routes.r: its key crosses")]);
    expect(warnings(at("http://127.0.0.1"))).toEqual([]);
  });

  test("for a token that can be guessed, without quoting it", () => {
    expect(warnings({ auth: { token: "hunter2" } })).toEqual([
      "auth.token: shorter than 16 characters; use a long random one",
    ]);
  });

  test("for a gateway that no client can connect to", () => {
    const required = { auth: { required: true }, data: { store: "memory" } };
    expect(warnings(required)).toEqual([expect.stringContaining("auth.required: no client can connect")]);
    expect(warnings({ ...required, auth: { required: true, token } })).toEqual([]);
    expect(warnings({ auth: { required: true } })).toEqual([]);
  });

  test("for listening on all interfaces without an allowed host name", () => {
    const config = { listen: { host: "0.0.0.0" }, auth: { token } };
    expect(warnings(config)).toEqual([expect.stringContaining("allowedHosts: empty")]);
    expect(warnings({ ...config, allowedHosts: ["sluice.example.com"] })).toEqual([]);
  });

  test("for more sockets than may be open: one for each client, and one upstream for each stream of a route", () => {
    const routes = { r: { ...route, maxConnections: 30 }, s: { ...route, maxConnections: 20 } };
    const config = { limits: { connections: 100, openStreams: 70 }, routes, models: { m: model } };
    const warning = (usable: number, more = {}) => openFilesWarning(load({ ...config, ...more }), usable);
    expect(warning(149)).toContain("allow 150 sockets, but new ones are refused at 149 open files");
    expect(warning(150)).toBeUndefined();
    const fewer = { limits: { connections: 100, openStreams: 40 } };
    expect([warning(139, fewer), warning(140, fewer)]).toEqual([expect.stringContaining("140"), undefined]);
  });

  test("for metrics that everyone can read", () => {
    const at = (host: string) => ({ metrics: { listen: { host, port: 9464 } } });
    expect(warnings(at("0.0.0.0"))).toEqual([expect.stringContaining("metrics.listen.host: everyone")]);
    expect(warnings(at("127.0.0.1"))).toEqual([]);
  });
});
