import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { createStartPage, type PageInfo, type PageRequest } from "../../src/page/start-page.ts";

const STATIC = new URL("../../src/page/static/", import.meta.url);
const INFO: PageInfo = {
  uptimeS: 61,
  authRequired: false,
  demo: true,
  controlUi: undefined,
  metrics: true,
  models: [{ alias: "demo", name: "Demo", route: "demo-anthropic", dialect: "anthropic-messages" }],
};

const pageWith = (changes: Partial<PageInfo> = {}) =>
  createStartPage({
    version: "1.2.3",
    info: () => ({ ...INFO, ...changes }),
    callerOf: ({ authorization }) => (authorization === "Bearer good" ? { name: "token" } : undefined),
  });
const get = (path: string, fields: Partial<PageRequest> = {}, page = pageWith()) =>
  page({ method: "GET", path, headers: {}, remoteAddress: "127.0.0.1", ...fields });

describe("the files", () => {
  test.each([
    ["/", "text/html; charset=utf-8", "<title>Sluice</title>"],
    ["/index.html", "text/html; charset=utf-8", "<title>Sluice</title>"],
    ["/start.js", "text/javascript; charset=utf-8", "// @ts-check"],
    ["/start.css", "text/css; charset=utf-8", "header {"],
  ])("%s is served as %s", (path, type, piece) => {
    const answer = get(path);
    expect(answer?.status).toBe(200);
    expect(answer?.headers["content-type"]).toBe(type);
    expect(answer?.body).toContain(piece);
  });

  test("every file that the page needs is served", () => {
    const wanted = new Set<string>();
    for (const file of readdirSync(STATIC).filter((name) => /\.(html|js)$/.test(name))) {
      const text = readFileSync(new URL(file, STATIC), "utf8");
      for (const [, name = ""] of text.matchAll(/(?:href|src)="([\w/.-]*[^/"])"/g)) wanted.add(`/${name}`);
      for (const [, name = ""] of text.matchAll(/^import .* from "\.(\/[^"]+)"/gm)) wanted.add(name);
    }
    expect(wanted.size).toBeGreaterThan(5);
    for (const path of wanted) expect([path, get(path)?.status]).toEqual([path, 200]);
  });

  test("every address in it is relative, so that a proxy can serve it below a path", () => {
    for (const file of readdirSync(STATIC).filter((name) => /\.(html|js)$/.test(name))) {
      const text = readFileSync(new URL(file, STATIC), "utf8");
      expect(text).not.toMatch(/(?:href|src)="\/|fetch\("\/|location\.(?:host|origin)/);
    }
  });

  test.each(["/nope", "/static/start.js", "/start-page.ts", "/tsconfig.json", "/../package.json"])(
    "%s is not the page's",
    (path) => {
      expect(get(path)).toBeUndefined();
    },
  );

  test("the client is served as modules that import one another, without types, and nothing beside it is", () => {
    const seen = new Set<string>();
    const visit = (path: string) => {
      if (seen.has(path)) return;
      seen.add(path);
      const answer = get(path);
      expect([path, answer?.headers["content-type"]]).toEqual([path, "text/javascript; charset=utf-8"]);
      expect(answer?.headers["content-security-policy"]).toContain("script-src 'self'");
      expect(answer?.body).not.toMatch(/^(import type|export interface|interface) /m);
      for (const [, name] of String(answer?.body).matchAll(/ from "\.\/([^"]+)"/g)) visit(`/client/${name}`);
    };
    visit("/client/index.js");
    expect(seen.size).toBeGreaterThan(10);
    for (const path of ["/client/", "/client/react.ts", "/client/../page/start-page.ts"])
      expect(get(path)).toBeUndefined();
  });

  test("only GET and HEAD are allowed", () => {
    expect(get("/", { method: "HEAD" })?.status).toBe(200);
    expect(get("/", { method: "POST" })).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" }, body: "" });
  });
});

describe("security", () => {
  test.each(["/", "/start.js", "/start.json"])("%s has every header", (path) => {
    const headers = get(path)?.headers;
    const policy = headers?.["content-security-policy"]?.split("; ");
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]),
    );
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cache-control": "no-store",
    });
  });

  test("nothing is inline, and nothing is loaded from elsewhere", () => {
    const html = String(get("/")?.body);
    expect(html).not.toMatch(/ style=|<style| on[a-z]+=|<script(?! type="module" src="start\.js"><\/script>)/);
    expect(html.replaceAll("xmlns='http://www.w3.org/2000/svg'", "")).not.toMatch(/https?:/);
  });

  test("model output cannot become markup, and neither token nor gateway is read from the address", () => {
    const scripts = readdirSync(STATIC).filter((name) => name.endsWith(".js"));
    expect(scripts.length).toBeGreaterThan(4);
    for (const name of scripts) {
      const text = readFileSync(new URL(name, STATIC), "utf8");
      expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function/);
      expect(text).not.toMatch(/location\.(search|hash|href)|URLSearchParams|localStorage|document\.cookie/);
    }
  });
});

describe("/start.json", () => {
  const json = (fields: Partial<PageRequest>, info: Partial<PageInfo> = {}) =>
    JSON.parse(String(get("/start.json", fields, pageWith(info))?.body));

  test("shows what is running", () => {
    expect(json({})).toEqual({
      version: "1.2.3",
      ...INFO,
      endpoints: { openclaw: "/", streams: "/v1/stream", health: "/healthz", ready: "/readyz" },
    });
  });

  test("shows unauthenticated clients only that a token is required", () => {
    const stranger = { version: "1.2.3", authRequired: true };
    expect(json({}, { authRequired: true })).toEqual(stranger);
    expect(json({ headers: { authorization: "Bearer bad" } }, { authRequired: true })).toEqual(stranger);
  });

  test("shows everything to clients with the token", () => {
    const known = json({ headers: { authorization: "Bearer good" } }, { authRequired: true });
    expect(known).toMatchObject({ uptimeS: 61, models: INFO.models });
  });

  test("a first visit without a token is not counted as a wrong one", () => {
    const asked: unknown[] = [];
    const callerOf = (...values: unknown[]) => {
      asked.push(values);
      return undefined;
    };
    const page = createStartPage({ version: "1", info: () => ({ ...INFO, authRequired: true }), callerOf });
    get("/start.json", {}, page);
    expect(asked).toEqual([]);
    get("/start.json", { headers: { authorization: "Bearer x" } }, page);
    expect(asked).toEqual([[{ authorization: "Bearer x" }, "127.0.0.1"]]);
  });
});
