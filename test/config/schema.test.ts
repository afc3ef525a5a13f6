import { describe, expect, test } from "@jest/globals";
import { CERTIFICATE } from "../support/network/test-certificate.ts";
import { load, model, problemsOf, route } from "./sources.ts";

describe("the problems of a configuration", () => {
  test("are all listed, each with its path, what was found and what is expected", () => {
    const problems = problemsOf({
      listn: {},
      listen: { port: 70_000, host: null },
      demo: "yes",
      routes: { r: { dialect: "antropic", timeouts: { idleMs: 0, connectMs: 1.5 } } },
      models: { "no spaces": model },
      openclaw: { agentName: "" },
      limits: { streamsPerConnection: [1] },
    });
    expect(problems).toEqual([
      "listen.host: found null, expected a string",
      "listen.port: found 70000, expected at most 65535",
      "demo: found a string, expected true or false",
      'routes.r.dialect: found "antropic", expected one of "anthropic-messages", "openai-chat", "openai-responses", "google-gemini", "plain-sse"',
      "routes.r.baseUrl: found nothing, expected a string",
      "routes.r.timeouts.connectMs: found 1.5, expected a whole number",
      "routes.r.timeouts.idleMs: found 0, expected at least 1",
      "models.no spaces: found this name, expected a name of letters, digits and a few marks, not too long",
      "limits.streamsPerConnection: found a list, expected a number",
      "openclaw.agentName: found a string, expected at least 1 characters",
      'the file: found unknown "listn", expected perhaps listen',
    ]);
  });

  test("include a price whose billionths no number holds exactly", () => {
    const priced = (input: number) => ({
      routes: { r: route },
      models: { m: { ...model, price: { input, output: 0 } } },
    });
    expect(problemsOf(priced(9_000_001))).toEqual(["models.m.price.input: found 9000001, expected at most 9000000"]);
    expect(load(priced(9_000_000)).models.m?.price?.input).toBe(9_000_000);
  });

  test.each([
    ["a key in place of its section", { auth: "hunter2hunter2" }],
    ["a key in place of a number", { listen: { port: "hunter2hunter2" } }],
    ["a key in a base URL", { routes: { r: { ...route, baseUrl: "https://user:hunter2hunter2@api.example.com" } } }],
    ["a key as a base URL", { routes: { r: { ...route, baseUrl: "hunter2hunter2" } } }],
    ["a key with a line break", { auth: { token: "hunter2hunter2\n1" } }],
    ["a reference with the key beside it", { auth: { token: { env: "hunter2-hunter2" } } }],
  ])("never quotes a secret: %s", (_, config) => {
    const problems = problemsOf(config);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join("\n")).not.toContain("hunter2");
  });
});

describe("a route", () => {
  const baseUrlOf = (baseUrl: string) => problemsOf({ routes: { r: { ...route, baseUrl } }, models: { m: model } });

  test.each(["https://api.example.com", "http://127.0.0.1:8000/v1/", "https://[2001:db8::1]/x"])(
    "may be at %s",
    (url) => {
      expect(baseUrlOf(url)).toEqual([]);
    },
  );

  test.each([
    ["ftp://example.com", "a URL of another scheme"],
    ["https://user:pass@example.com", "a URL with credentials"],
    ["https://example.com/?key=1", "a URL with a query or a fragment"],
    ["example.com/v1", "a string that is no URL"],
  ])("cannot be at %s", (url, found) => {
    expect(baseUrlOf(url)).toEqual([
      `routes.r.baseUrl: found ${found}, expected an http or https URL of host and path`,
    ]);
  });

  test.each([
    ["http://127.0.0.1:8000", true],
    ["http://localhost:11434/v1", true],
    ["http://[::1]:8000", true],
    ["http://10.0.0.5", false],
    ["https://localhost.example.com", false],
  ])("at %s may call private addresses without being told so: %s", (baseUrl, allowed) => {
    const routes = { r: { ...route, baseUrl }, said: { ...route, baseUrl, allowPrivateNetwork: !allowed } };
    const config = load({ routes, models: { m: model } });
    expect(config.routes.r?.allowPrivateNetwork).toBe(allowed);
    expect(config.routes.said?.allowPrivateNetwork).toBe(!allowed);
  });

  test("may have 10,000 sockets unless told otherwise, as many as there may be open streams", () => {
    const config = load({ routes: { r: route }, models: { m: model } });
    expect(config.routes.r?.maxConnections).toBe(10_000);
    expect(config.limits.openStreams).toBe(10_000);
  });

  test("has every timer filled in beside those it sets", () => {
    const config = load({ routes: { r: { ...route, timeouts: { idleMs: 5 } } }, models: { m: model } });
    expect(config.routes.r?.timeouts).toEqual({
      connectMs: 10_000,
      headersMs: 120_000,
      firstEventMs: 180_000,
      idleMs: 5,
      progressMs: 300_000,
      totalMs: 900_000,
    });
  });

  test("cannot be named __proto__", () => {
    const text = `{"demo":true,"routes":{"__proto__":${JSON.stringify(route)}}}`;
    const config = load(undefined, {}, { "/app/sluice.config.json": text });
    expect(Object.keys(config.routes)).toEqual([]);
    expect(Object.getPrototypeOf(config.routes)).toBe(Object.prototype);
  });
});

describe("origins and hosts", () => {
  test.each(["*", "null", "https://chat.example.com/", "chat.example.com", "HTTPS://chat.example.com"])(
    "%s is no exact origin",
    (origin) => {
      expect(problemsOf({ allowedOrigins: [origin] })).toEqual([
        expect.stringContaining(`allowedOrigins.0: found "${origin}", expected an exact origin`),
      ]);
    },
  );

  test.each(["http://sluice.example.com", "sluice.example.com:80", "*.example.com/", ""])(
    "%j is no host name",
    (host) => {
      expect(problemsOf({ allowedHosts: [host] })).toEqual([expect.stringContaining("expected a host name such as")]);
    },
  );

  test.each(["tauri://*", "tauri://localhost/", "file://", "file://localhost", "tauri:localhost", "javascript://a"])(
    "%s is no origin of an app",
    (origin) => {
      expect(problemsOf({ allowedOrigins: [origin] })).toEqual([expect.stringContaining("expected an exact origin")]);
    },
  );

  test("exact ones are accepted unchanged", () => {
    const lists = {
      allowedOrigins: [
        "https://chat.example.com:8443",
        "tauri://localhost",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "vscode-webview://1f0d7b46-1df7-4d6b-a0c9-5f2d1f0c7c11",
        "app://obsidian.md",
      ],
      allowedHosts: ["sluice.example.com", "[::1]", "my_gateway"],
    };
    expect(load(lists)).toMatchObject(lists);
  });
});

describe("trusted proxies", () => {
  test("are addresses and networks", () => {
    const trustedProxies = ["10.0.0.5", "10.0.0.0/8", "::1", "2001:db8::/32", "0.0.0.0/0"];
    expect(load({ listen: { trustedProxies } }).listen.trustedProxies).toEqual(trustedProxies);
    expect(load({}).listen.trustedProxies).toEqual([]);
  });

  test.each(["proxy.local", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0", "::/129", "*", ""])(
    "%j is none",
    (text) => {
      expect(problemsOf({ listen: { trustedProxies: [text] } }).join()).toMatch(
        /^listen\.trustedProxies\.0: found .* expected an address such as 10\.0\.0\.5, or a network/,
      );
    },
  );
});

describe("a route's certificates", () => {
  const config = { routes: { r: { ...route, ca: "ca.pem" } }, models: { m: model } };

  test("are read from their file", () => {
    expect(load(config, {}, { "/app/ca.pem": CERTIFICATE }).routes.r?.ca).toBe(CERTIFICATE);
  });

  test.each([
    ["no file", {}],
    ["another file", { "/app/ca.pem": "-----BEGIN PRIVATE KEY-----" }],
    ["a file of other bytes", { "/app/ca.pem": "-----BEGIN CERTIFICATE-----\nMII…\n-----END CERTIFICATE-----\n" }],
  ])("that are in %s stop the start", (_what, files) => {
    expect(problemsOf(config, {}, files as Record<string, string>)).toEqual([
      "routes.r.ca: found no certificates in ca.pem, expected a PEM file",
    ]);
  });
});
