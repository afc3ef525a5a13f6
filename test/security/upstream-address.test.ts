import { describe, expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { NASTY_STRINGS } from "../support/recordings/nasty-strings.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

/** Names under which other gateways took an address from their clients. */
const ADDRESS_FIELDS = [
  "url",
  "baseUrl",
  "base_url",
  "api_base",
  "host",
  "port",
  "path",
  "endpoint",
  "proxy",
  "headers",
];

async function setUp() {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  /** Where clients want the gateway to go. */
  const target = stack.use(await startScriptedUpstream());
  const limits = {
    requests: { violationsPerMinute: 10_000, framesPerSecond: 10_000, inboundBytesPerSecond: 64 * 1_048_576 },
  };
  const gateway = stack.use(await startTestGateway({ upstream: upstream.url, config: { limits } }));
  upstream.respondWith((exchange) => void exchange.json(400, { error: { message: "no" } }));
  return { upstream, target, gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("a client cannot choose where the gateway connects", () => {
  test("not with fields of its open, which are refused", async () => {
    await using up = await setUp();
    using client = await (await StreamClient.connect(up.gateway.url)).hello();
    for (const field of ADDRESS_FIELDS) {
      client.send({ type: "open", id: "a", model: "gpt", body: {}, [field]: up.target.url });
      expect(await client.next()).toMatchObject({ type: "error", error: { code: "bad_frame" } });
    }
    expect(up.upstream.connections + up.target.connections).toBe(0);
  });

  test("not with fields of the provider's request, which go to the provider as they are", async () => {
    await using up = await setUp();
    using client = await (await StreamClient.connect(up.gateway.url)).hello();
    const body = Object.fromEntries(ADDRESS_FIELDS.map((field) => [field, up.target.url]));
    const { end } = await client.run("a", { model: "gpt", body, retry: false });
    expect(end.error?.code).toBe("upstream_http_error");
    expect([up.upstream.requests, up.target.connections]).toEqual([1, 0]);
  });

  test("not with a name of a model or a route, whatever it looks like", async () => {
    await using up = await setUp();
    using client = await (await StreamClient.connect(up.gateway.url)).hello();
    const names = [...NASTY_STRINGS, up.target.url, `chat/../${up.target.url}`, `gpt@${up.target.url}`];
    for (const name of names) {
      for (const by of ["model", "route"]) {
        client.send({ type: "open", id: "a", [by]: name, body: {} });
        const frame = await client.next();
        expect(frame).toMatchObject({ type: "error" });
      }
    }
    expect(up.upstream.connections + up.target.connections).toBe(0);
  });

  test("not with a session's settings or a message's on the OpenClaw face", async () => {
    await using up = await setUp();
    using chat = await OpenClawClient.dial(up.gateway.url);
    await chat.connect();
    for (const field of [...ADDRESS_FIELDS, "model", "modelProvider"]) {
      await chat.request("sessions.patch", { key: "main", [field]: up.target.url }).catch(() => {});
      await chat
        .request("chat.send", { sessionKey: "main", message: "Hi", idempotencyKey: field, [field]: up.target.url })
        .catch(() => {});
    }
    expect(up.target.connections).toBe(0);
  });

  test("and no header of its handshake reaches the provider", async () => {
    await using up = await setUp();
    const headers = {
      authorization: "Bearer canary",
      cookie: "canary=1",
      "x-forwarded-for": "canary",
      "x-forwarded-host": "canary",
      forwarded: "for=canary",
      "x-api-key": "canary",
      "anthropic-beta": "canary",
      "user-agent": "canary",
      traceparent: "canary",
    };
    using client = await (await StreamClient.connect(up.gateway.url, { headers })).hello();
    client.send({ type: "open", id: "a", model: "claude", body: {}, retry: false });
    let heard: unknown;
    up.upstream.respondWith((exchange) => {
      heard = exchange.headers;
      exchange.json(400, {});
    });
    await client.rest("a");
    expect(heard).toMatchObject({ "x-api-key": "sk-test-key-of-the-route", "accept-encoding": "identity" });
    expect(JSON.stringify(heard)).not.toContain("canary");
  });
});

test("a redirecting upstream is not followed, and is called once", async () => {
  await using up = await setUp();
  using client = await (await StreamClient.connect(up.gateway.url)).hello();
  for (const status of [301, 302, 303, 307, 308]) {
    const headers = { location: `${up.target.url}/v1`, "content-length": "0" };
    up.upstream.respondWith((exchange) => void exchange.head(status, headers));
    const { end } = await client.run(`to-${status}`, { model: "gpt", body: {} });
    expect(end.error).toMatchObject({ code: "upstream_bad_response", details: { status, reason: "redirect" } });
  }
  expect([up.upstream.requests, up.target.connections]).toEqual([5, 0]);
});

test("an upstream that compresses unasked is refused, whatever it calls the encoding", async () => {
  await using up = await setUp();
  using client = await (await StreamClient.connect(up.gateway.url)).hello();
  for (const [at, encoding] of ["gzip", "br", "zstd", "deflate, gzip", "GZIP", "x-gzip", "identity, gzip"].entries()) {
    up.upstream.respondWith(
      (exchange) => void exchange.sse({ "content-encoding": encoding }).chunk("\u001f\u008b").end(),
    );
    const { end } = await client.run(`as-${at}`, { model: "gpt", body: {} });
    expect([encoding, end.error?.code]).toEqual([encoding, "upstream_bad_response"]);
  }
});
