import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { ignoredProxyWarning } from "../../src/config/proxy.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../support/network/test-certificate.ts";
import { load, model, problemsOf, route } from "./sources.ts";

const PROXY = "http://proxy.example.com:3128";
const configOf = (more: object, baseUrl = route.baseUrl) => ({
  routes: { r: { ...route, baseUrl, ...more } },
  models: { m: model },
});
const proxyOf = (proxy: unknown, env: Record<string, string> = {}, baseUrl = route.baseUrl) =>
  load(configOf({ proxy }, baseUrl), env).routes.r?.proxy;

describe("a route's proxy", () => {
  test("is a URL, or one with credentials by reference", () => {
    expect(proxyOf(PROXY)).toEqual({ url: PROXY });
    const { url, credentials } = Object(proxyOf({ url: PROXY, credentials: { env: "P" } }, { P: "me:secret-1" }));
    expect([url, credentials.reveal(), String(credentials)]).toEqual([PROXY, "me:secret-1", "[secret from P]"]);
  });

  test.each([
    ["socks5://proxy:1080", "routes.r.proxy: found a URL of another scheme"],
    ["proxy.example.com", "routes.r.proxy: found a string that is no URL"],
    ["http://proxy:3128/path", "routes.r.proxy: found a URL with a path"],
    ["http://me:secret-1@proxy:3128", "routes.r.proxy: found a URL with credentials, which belong into credentials"],
    [{ url: PROXY, credentials: "no-colon-1" }, "routes.r.proxy.credentials: found a secret without a colon"],
  ])("%j is a problem that quotes nothing of it", (proxy, problem) => {
    const problems = problemsOf(configOf({ proxy }));
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(String(problems)).not.toMatch(/secret-1|no-colon-1|socks5/);
  });

  test.each<[string, readonly string[], string, boolean]>([
    ["another host", ["example.org", "badexample.com"], "https://api.example.com/v1", false],
    ["its own name", ["api.example.com"], "https://api.example.com/v1", true],
    ["a name above it", ["example.com"], "https://api.example.com/v1", true],
    ["a name above it with a dot", [".example.com"], "https://api.example.com/v1", true],
    ["another port", ["api.example.com:8443"], "https://api.example.com/v1", false],
    ["its port", ["api.example.com:443"], "https://api.example.com/v1", true],
    ["everything", ["*"], "https://api.example.com/v1", true],
    ["its network", ["10.0.0.0/8"], "http://10.1.2.3:8000/v1", true],
    ["another network", ["10.0.0.0/8"], "http://192.168.1.1:8000/v1", false],
    ["its address of IPv6", ["[fd00::1]:8000"], "http://[fd00::1]:8000/v1", true],
    ["the end of its address", ["2.3"], "http://10.1.2.3:8000/v1", false],
  ])("is none where noProxy lists %s: %j for %s, %j", (_name, noProxy, baseUrl, isDirect) => {
    expect(proxyOf({ url: PROXY, noProxy }, {}, baseUrl)).toEqual(isDirect ? "none" : { url: PROXY });
    const env = { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, NO_PROXY: noProxy.join(", ") };
    expect(proxyOf("environment", env, baseUrl)).toEqual(isDirect ? "none" : { url: PROXY });
  });

  test("is the environment's by the scheme of baseUrl, lower case first, with its credentials as a secret", () => {
    const env = { HTTPS_PROXY: "http://a:1", https_proxy: "http://me:p%40ss-1@b:2", HTTP_PROXY: "c:3" };
    const { url, credentials } = Object(proxyOf("environment", env));
    expect([url, credentials.reveal()]).toEqual(["http://b:2", "me:p@ss-1"]);
    expect(proxyOf("environment", env, "http://api.example.com")).toEqual({ url: "http://c:3" });
    expect(proxyOf("environment", env, "http://localhost:11434")).toBe("none");
    expect(proxyOf("environment", {})).toBe("none");
  });

  test("of the environment that cannot be used is a problem of the route", () => {
    expect(problemsOf(configOf({ proxy: "environment" }), { HTTPS_PROXY: "socks5://me:secret-1@proxy:1" })).toEqual([
      expect.stringMatching(/^routes\.r\.proxy: found a URL of another scheme in HTTPS_PROXY, expected an http/),
    ]);
  });

  test("of the environment is ignored otherwise, which a line says: once, for the routes that it would concern", () => {
    const env = { HTTPS_PROXY: PROXY, NO_PROXY: "inside.example.com" };
    const { routes } = load(
      {
        routes: {
          a: route,
          b: { ...route, proxy: "none" },
          c: { ...route, baseUrl: "https://inside.example.com" },
          d: { ...route, baseUrl: "https://localhost:8443" },
        },
        models: { m: { ...model, route: "a" } },
      },
      env,
    );
    expect(routes.a?.proxy).toBeUndefined();
    expect(ignoredProxyWarning(routes, env)).toMatch(/is ignored: routes\.a connect directly/);
    expect(ignoredProxyWarning(routes, {})).toBeUndefined();
  });
});

describe("a route's client certificate", () => {
  const files = { "/app/me.pem": CERTIFICATE, "/app/me.key": PRIVATE_KEY };

  test.each<[string, unknown]>([
    ["a path", "me.key"],
    ["a file", { file: "me.key" }],
    ["a variable", { env: "KEY" }],
  ])("has its key by %s, as a secret", (_name, key) => {
    const config = configOf({ clientCertificate: { cert: "me.pem", key } });
    const loaded = load(config, { KEY: PRIVATE_KEY }, files).routes.r?.clientCertificate;
    expect(loaded?.cert).toBe(CERTIFICATE);
    expect(loaded?.key.reveal()).toContain("PRIVATE KEY");
    expect(JSON.stringify(loaded)).not.toContain("PRIVATE KEY");
  });

  test.each<[string, unknown, string]>([
    ["no certificate", { cert: "me.key", key: "me.key" }, "clientCertificate.cert: found no certificates in me.key"],
    ["no key", { cert: "me.pem", key: "me.pem" }, "clientCertificate.key: found no readable key in me.pem"],
    ["no variable", { cert: "me.pem", key: { env: "NO" } }, "clientCertificate.key: found no readable key in NO"],
  ])("with %s is a problem", (_name, clientCertificate, problem) => {
    expect(problemsOf(configOf({ clientCertificate }), {}, files)).toEqual([expect.stringContaining(problem)]);
  });

  test("with the key of another is a problem", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const other = String(privateKey.export({ type: "pkcs8", format: "pem" }));
    expect(
      problemsOf(configOf({ clientCertificate: { cert: "me.pem", key: { env: "K" } } }), { K: other }, files),
    ).toEqual([expect.stringContaining("a key in K that is not the certificate's")]);
  });
});
