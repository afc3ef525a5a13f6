import { request } from "node:http";
import { describe, expect, test } from "@jest/globals";
import { setUp } from "./set-up.ts";

const TOKEN = "a-token-of-sixteen-and-more";
const withToken = { auth: { token: TOKEN } };
const bearer = { authorization: `Bearer ${TOKEN}` };

/** A raw request: fetch would not let a test set Host. */
function ask(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, headers }, (response) => {
      resolve(response.statusCode);
      asked.destroy();
    });
    asked.on("error", reject).end();
  });
}

describe("reading a stream over HTTP", () => {
  test.each(["", "?wait=25s"])("requires the token (%s)", async (query) => {
    await using up = await setUp(withToken);
    const { stream, upstream } = await up.open({}, TOKEN);
    for (const headers of [{}, { authorization: "Bearer wrong" }] as Record<string, string>[]) {
      expect(await up.poll(stream, query, headers)).toMatchObject({ status: 401, error: { code: "unauthorized" } });
    }
    // A token in the URL would end up in logs.
    expect((await up.poll(stream, `?token=${TOKEN}`)).status).toBe(401);
    upstream.sse().event("1").end();
    expect((await (await up.read(stream, "", bearer)).rest()).events).toHaveLength(1);
  });

  test("is locked out after too many wrong tokens, as on a WebSocket, but not with the right one", async () => {
    await using up = await setUp({ ...withToken, limits: { requests: { authFailuresPerMinute: 2 } } });
    const { stream, upstream } = await up.open({}, TOKEN);
    const wrong = { authorization: "Bearer wrong" };
    for (let i = 0; i < 2; i++) await up.poll(stream, "", wrong);
    const refused = await up.poll(stream, "", wrong);
    expect(refused).toMatchObject({ status: 429, error: { code: "rate_limited" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    upstream.sse().event("1").end();
    expect((await (await up.read(stream, "", bearer)).rest()).events).toHaveLength(1);
    expect(up.gateway.log.lines).toContainEqual(
      expect.objectContaining({ event: "refused", where: "http-streams", code: "unauthorized" }),
    );
  });

  test("is refused to pages of unlisted origins and for other hosts", async () => {
    await using up = await setUp();
    const { stream } = await up.open();
    expect(await ask(up.url(stream), { origin: "https://evil.example" })).toBe(403);
    expect(await ask(up.url(stream), { origin: "null" })).toBe(403);
    expect(await ask(up.url(stream), { host: "evil.example" })).toBe(403);
    expect(await ask(up.url(stream), {})).toBe(200);
  });

  test("is allowed to pages of a listed origin, with CORS headers on preflight and response", async () => {
    const origin = "https://chat.example.com";
    await using up = await setUp({ ...withToken, allowedOrigins: [origin] });
    const { stream, upstream } = await up.open({}, TOKEN);
    upstream.sse().event("1").end();
    const preflight = (from: string, method: string, action = "events") =>
      fetch(up.url(stream, "", action), {
        method: "OPTIONS",
        headers: { origin: from, "access-control-request-method": method },
      });
    const allowed = await preflight(origin, "GET");
    expect(allowed.status).toBe(204);
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET",
      "access-control-allow-headers": "authorization, *",
      vary: "origin",
    });
    expect(allowed.headers.get("access-control-allow-private-network")).toBeNull();
    expect((await preflight(origin, "POST", "cancel")).status).toBe(204);
    expect((await preflight(origin, "DELETE")).status).toBe(404);
    expect((await preflight("https://evil.example", "GET")).status).toBe(403);

    const reader = await up.read(stream, "", { ...bearer, origin });
    expect(reader.headers["access-control-allow-origin"]).toBe(origin);
    expect((await up.poll(stream, "?wait=25s", { origin })).headers.get("access-control-allow-origin")).toBe(origin);
    const own = await up.read(stream, "", { ...bearer, origin: up.gateway.url });
    expect(own.status).toBe(200);
    expect(own.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("grants private network access to pages of a listed origin alone", async () => {
    const origin = "https://chat.example.com";
    await using up = await setUp({ allowedOrigins: [origin] });
    const { stream } = await up.open();
    const preflight = (from: string) =>
      fetch(up.url(stream, "", "events"), {
        method: "OPTIONS",
        headers: {
          origin: from,
          "access-control-request-method": "GET",
          "access-control-request-private-network": "true",
        },
      });
    expect((await preflight(origin)).headers.get("access-control-allow-private-network")).toBe("true");
    const own = await preflight(up.gateway.url);
    expect([own.status, own.headers.get("access-control-allow-private-network")]).toEqual([204, null]);
    expect((await preflight("https://evil.example")).status).toBe(403);
  });

  test("is refused while there are too many connections of either kind", async () => {
    await using up = await setUp({ limits: { connectionsPerAddress: 2 } });
    const { stream } = await up.open();
    const spare = await up.connect();
    expect(await up.poll(stream, "?wait=0")).toMatchObject({ status: 503, error: { code: "overloaded" } });
    spare.close();
    await spare.closed;
    using reader = await up.read(stream);
    expect(reader.status).toBe(200);
  });
});

describe("a cancel over HTTP", () => {
  test("ends the stream and its upstream call at once", async () => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open();
    upstream.sse();
    const answer = await up.cancel(stream);
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe("");
    expect((await client.rest("a")).end).toMatchObject({ status: "cancelled", error: { code: "cancelled" } });
    await upstream.closed;
  });

  test("of an ended or unknown stream succeeds and does nothing", async () => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open();
    upstream.sse().end();
    await client.rest("a");
    expect((await up.cancel(stream)).status).toBe(204);
    expect((await up.cancel("s_unknown")).status).toBe(204);
    expect(await up.poll(stream, "?wait=0")).toMatchObject({ end: { status: "completed" } });
  });

  test("needs the token, and a POST", async () => {
    await using up = await setUp(withToken);
    const { stream, upstream } = await up.open({}, TOKEN);
    expect((await up.cancel(stream)).status).toBe(401);
    expect((await fetch(up.url(stream, "", "cancel"), { headers: bearer })).status).toBe(404);
    expect(upstream.isClosed).toBe(false);
    expect((await up.cancel(stream, bearer)).status).toBe(204);
    await upstream.closed;
  });
});
