/** docs/faults.md, U1 to U7, U19 and U20: faults before the first event. */
import { describe, expect, test } from "@jest/globals";
import { freePort } from "../support/network/free-port.ts";
import { openRelay } from "../support/relay/relayed-stream.ts";
import { whole } from "../support/upstreams/anthropic-script.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const NOTHING_USED = { source: "exact", inputTokens: 0, outputTokens: 0 };
/** The prompt alone: it was sent, and no refusal came. */
const PROMPT_USED = { source: "estimated", inputTokens: expect.any(Number), outputTokens: 0 };
const retryAtOnce = { options: { retry: { baseDelayMs: 0 } } };

test("U1 an upstream that refuses connections is unreachable, and nothing was used", async () => {
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  await using relay = openRelay(nowhere, { route: { timeouts: { connectMs: 5_000 } }, ...retryAtOnce });
  const terminal = await relay.open().terminal;
  expect(terminal).toMatchObject({
    status: "failed",
    lastSeq: 0,
    error: { code: "upstream_unreachable", details: { reason: "ECONNREFUSED" } },
    usage: NOTHING_USED,
  });
  expect(terminal.timing.totalMs).toBeLessThan(5_000);
});

describe("U2 a 429", () => {
  test("says when to retry", async () => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url);
    upstream.respondWith((exchange) => void exchange.json(429, {}, { "retry-after": "20" }));
    expect(await relay.open().terminal).toMatchObject({
      status: "failed",
      lastSeq: 0,
      error: { code: "upstream_rate_limited", retryAfterMs: 20_000 },
      usage: NOTHING_USED,
    });
    expect(upstream.requests).toBe(1);
  });

  test("with a short wait is retried after it, if the client allows", async () => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url);
    upstream.respondWith((exchange) => {
      if (upstream.requests % 2 === 1) exchange.json(429, {}, { "retry-after": "0" });
      else whole(exchange.sse()).end();
    });
    expect(await relay.open().terminal).toMatchObject({ status: "completed", lastSeq: 4 });
    expect(await relay.open({ mayRetry: false }).terminal).toMatchObject({ error: { code: "upstream_rate_limited" } });
    expect(upstream.requests).toBe(3);
  });
});

describe("U3 a server's error", () => {
  test.each([
    [500, "upstream_http_error", NOTHING_USED, 1],
    [502, "upstream_http_error", NOTHING_USED, 3],
    [503, "upstream_overloaded", NOTHING_USED, 3],
    [529, "upstream_overloaded", NOTHING_USED, 3],
  ] as const)("%i is reported as %s", async (status, code, usage, requests) => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url, retryAtOnce);
    upstream.respondWith((exchange) => {
      exchange.json(status, { error: { message: "host 10.0.0.1 died, key sk-live-abcdef123456" } });
    });
    expect(await relay.open().terminal).toMatchObject({
      status: "failed",
      lastSeq: 0,
      error: { code, message: "host 10.0.0.1 died, key [redacted]", details: { status } },
      usage,
    });
    expect(upstream.requests).toBe(requests);
  });

  test("is read for 64 KiB at most, whatever its size", async () => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url);
    const { terminal } = relay.open();
    const exchange = await upstream.request();
    exchange.head(500, { "content-type": "application/json" }).write("x".repeat(65_537));
    expect(await terminal).toMatchObject({ error: { code: "upstream_http_error", details: { status: 500 } } });
    await exchange.closed;
  });
});

test("U4 a client's error is reported and not retried", async () => {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url, retryAtOnce);
  upstream.respondWith((exchange) => void exchange.json(400, { error: { message: "no such model" } }));
  expect(await relay.open().terminal).toMatchObject({
    status: "failed",
    lastSeq: 0,
    error: { code: "upstream_http_error", message: "no such model", retryable: false },
    usage: NOTHING_USED,
  });
  expect(upstream.requests).toBe(1);
});

describe("U5 a 200 that is not a stream", () => {
  test("is refused, naming its content type", async () => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url);
    const { terminal } = relay.open();
    const exchange = await upstream.request();
    exchange.head(200, { "content-type": "text/html" }).write("<html>").finish();
    expect(await terminal).toMatchObject({
      status: "failed",
      lastSeq: 0,
      error: { code: "upstream_bad_response", details: { contentType: "text/html" } },
      usage: PROMPT_USED,
    });
    await exchange.closed;
  });

  test("but JSON is relayed as one event if the route allows it", async () => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url, { dialect: "plain-sse", route: { jsonAnswer: true } });
    const opened = relay.open();
    (await upstream.request()).json(200, { answer: 42 });
    expect(await opened.terminal).toMatchObject({ status: "completed", lastSeq: 1 });
    expect(opened.data).toEqual(['{"answer":42}']);
  });
});

test("U6 a redirect is not followed", async () => {
  await using elsewhere = await startScriptedUpstream();
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url, retryAtOnce);
  upstream.respondWith((exchange) => void exchange.head(302, { location: elsewhere.url, "content-length": "0" }));
  expect(await relay.open().terminal).toMatchObject({
    status: "failed",
    lastSeq: 0,
    error: { code: "upstream_bad_response", details: { reason: "redirect", status: 302 } },
    usage: NOTHING_USED,
  });
  expect([upstream.requests, elsewhere.connections]).toEqual([1, 0]);
});

test("U7 an upstream that never answers times out, and its prompt counts", async () => {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url, { route: { timeouts: { headersMs: 30 } } });
  const { terminal } = relay.open();
  const exchange = await upstream.request();
  expect(await terminal).toMatchObject({
    status: "failed",
    lastSeq: 0,
    error: { code: "upstream_timeout", details: { timer: "headers" } },
    usage: PROMPT_USED,
  });
  await exchange.closed;
  expect(upstream.requests).toBe(1);
});

test("U19 a compressed stream is refused", async () => {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url);
  const { terminal } = relay.open();
  const exchange = await upstream.request();
  exchange.sse({ "content-encoding": "gzip" }).chunk("\u001f\u008b\u0008");
  expect(await terminal).toMatchObject({
    status: "failed",
    lastSeq: 0,
    error: { code: "upstream_bad_response", details: { encoding: "gzip" } },
    usage: PROMPT_USED,
  });
  await exchange.closed;
});

test("U20 an answer with more headers than allowed is refused", async () => {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url);
  const { terminal } = relay.open();
  const exchange = await upstream.request();
  exchange.sse({ "x-bomb": "b".repeat(65_536) });
  expect(await terminal).toMatchObject({
    status: "failed",
    lastSeq: 0,
    error: { code: "upstream_bad_response", details: { reason: "headers_too_large" } },
    usage: PROMPT_USED,
  });
  await exchange.closed;
});
