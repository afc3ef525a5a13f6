import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  checkSource,
  isAllowedHost,
  isAllowedOrigin,
  isLoopbackHost,
  sharingHeaders,
} from "../../../src/transport/admit/origin.ts";

const rules = {
  allowedOrigins: ["https://chat.example.com"],
  allowedHosts: ["sluice.example.com", "my_gateway", "a_b.example.com"],
};

describe("the Host header", () => {
  test.each([
    "localhost:18789",
    "127.0.0.1:18789",
    "127.9.9.9",
    "[::1]:80",
    "LOCALHOST",
    "app.localhost",
    "sluice.example.com:8443",
    "sluice.example.com.",
    "localhost.:80",
    "my_gateway",
    "a_b.example.com:80",
  ])("%s is this gateway", (host) => expect(isAllowedHost(host, rules)).toBe(true));

  test.each([
    "evil.com",
    "localhost.evil.com",
    "127.0.0.1.evil.com",
    "10.0.0.1",
    "",
    "a b",
    "localhost/x",
    "x@localhost",
    "[::2]",
    "other_gateway",
    "sluice.example.com..",
  ])("%j is refused: a page re-bound to loopback carries its own name", (host) =>
    expect(isAllowedHost(host, rules)).toBe(false),
  );

  test("a request without one is refused", () => expect(isAllowedHost(undefined, rules)).toBe(false));

  test("no name other than loopback's is accepted unless it is listed", () => {
    fc.assert(
      fc.property(fc.domain(), (name) => {
        fc.pre(!isLoopbackHost(name));
        expect(isAllowedHost(name, { allowedOrigins: [], allowedHosts: [] })).toBe(false);
      }),
    );
  });
});

describe("the Origin header", () => {
  test.each(["tauri://localhost", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"])(
    "%s of an app or extension is let in where it is listed, and no other of its scheme",
    (origin) => {
      const apps = { allowedOrigins: [origin], allowedHosts: [] };
      expect(isAllowedOrigin(origin, "localhost", apps)).toBe(true);
      expect(sharingHeaders({ origin }, apps)).toMatchObject({ "access-control-allow-origin": origin });
      for (const other of [`${origin}x`, `${origin}:80`, "tauri://other", "chrome-extension://other"]) {
        expect(isAllowedOrigin(other, "localhost", apps)).toBe(false);
        expect(sharingHeaders({ origin: other }, apps)).toEqual({});
      }
    },
  );

  test("absent, so not from a page, is accepted", () =>
    expect(isAllowedOrigin(undefined, "localhost", rules)).toBe(true));

  test("the gateway's own and listed origins are accepted", () => {
    expect(isAllowedOrigin("http://localhost:18789", "localhost:18789", rules)).toBe(true);
    expect(isAllowedOrigin("https://sluice.example.com", "sluice.example.com", rules)).toBe(true);
    expect(isAllowedOrigin("https://chat.example.com", "localhost:18789", rules)).toBe(true);
  });

  test.each([
    ["another port of this machine", "http://localhost:3000"],
    ["another host", "https://evil.com"],
    ["a longer name", "https://chat.example.com.evil.com"],
    ["another scheme of a listed host", "http://chat.example.com"],
    ["null", "null"],
    ["an empty one", ""],
  ])("%s is refused", (_what, origin) => expect(isAllowedOrigin(origin, "localhost:18789", rules)).toBe(false));
});

describe("a refusal", () => {
  test.each([
    [{ host: "sluice.lan:18789" }, "host_not_allowed", "allowedHosts", "sluice.lan"],
    [{}, "host_not_allowed", "allowedHosts", "no host"],
    [{ host: "localhost", origin: "https://evil.example" }, "origin_not_allowed", "allowedOrigins", "this web origin"],
  ])("of %j names the setting that would allow it, and what was seen", (headers, code, setting, seen) => {
    const message = expect.stringContaining(seen);
    expect(() => checkSource(headers, rules)).toThrow(expect.objectContaining({ code, message, setting }));
  });

  test("repeats no origin, and nothing that is no host name", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        const strange = `<${text}`;
        for (const headers of [{ host: strange }, { host: "localhost", origin: strange }]) {
          let said = "";
          try {
            checkSource(headers, rules);
          } catch (error) {
            said = String(error);
          }
          expect(said).toMatch(/no host|this web origin/);
          expect(said).not.toContain(strange);
        }
      }),
    );
  });
});
