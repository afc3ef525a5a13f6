import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { freePort } from "../../support/network/free-port.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** An address nobody listens on, nor will meanwhile. */
const deadAddress = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;

const atOnce = { baseDelayMs: 0 };

describe.each(WAYS)("a call that failed before any answer, %s", (_way, openUpstream) => {
  test.each([502, 503, 529])("is made again after a %i", async (status) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: atOnce });
    const { sink } = startCall(client);
    const first = await upstream.request();
    first.json(status, { error: { message: "busy" } });
    const second = await upstream.request();
    expect(second.body).toBe(first.body);
    second.sse().event("one").end();
    expect(await sink.done).toBeUndefined();
    expect(sink.calls).toEqual(["firstByte", "event", "end"]);
  });

  test("is made three times at most, and then tells the last failure", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: atOnce });
    upstream.respondWith((exchange) => void exchange.json(503, { error: { message: `no ${upstream.requests}` } }));
    expect(await startCall(client).sink.done).toMatchObject({ code: "upstream_overloaded", message: "no 3" });
    expect(upstream.requests).toBe(3);
  });

  test.each([400, 401, 404, 500])("is not made again after a %i", async (status) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: atOnce });
    upstream.respondWith((exchange) => void exchange.json(status, {}));
    expect(await startCall(client).sink.done).toMatchObject({ code: "upstream_http_error" });
    expect(upstream.requests).toBe(1);
  });

  test("is not made again when the caller forbids it", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: atOnce });
    upstream.respondWith((exchange) => void exchange.json(503, {}));
    expect(await startCall(client, { mayRetry: false }).sink.done).toMatchObject({ code: "upstream_overloaded" });
    expect(upstream.requests).toBe(1);
  });

  test("waits as long as a 429 asks, once", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: atOnce });
    const times: number[] = [];
    upstream.respondWith((exchange) => {
      times.push(performance.now());
      exchange.json(429, {}, { "retry-after-ms": "30" });
    });
    expect(await startCall(client).sink.done).toMatchObject({ code: "upstream_rate_limited", retryAfterMs: 30 });
    expect(times.length).toBe(2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(29);
  });

  test.each([{ "retry-after": "6" }, {}])("does not wait on a 429 with %j", async (headers) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: atOnce });
    upstream.respondWith((exchange) => void exchange.json(429, {}, headers as Record<string, string>));
    expect(await startCall(client).sink.done).toMatchObject({ code: "upstream_rate_limited" });
    expect(upstream.requests).toBe(1);
  });

  test("can be aborted while it waits for its next try", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: { baseDelayMs: 5_000 }, random: () => 1 });
    const { call, sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.json(503, {}, { connection: "close" });
    await exchange.closed;
    call.abort();
    const other = startCall(client, { path: "/other" });
    expect((await upstream.request()).path).toBe("/other");
    other.call.abort();
    expect(sink.calls).toEqual([]);
  });
});

describe.each(WAYS)("a call that has begun to be answered, %s", (_way, openUpstream) => {
  test.each(["truncated", "reset"])("is never made again: %s", async (how) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: atOnce });
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.sse().event("one");
    await sink.received(1);
    if (how === "reset") exchange.reset();
    else exchange.finish();
    expect(await sink.done).toMatchObject({ code: `upstream_${how}` });
    expect(upstream.requests).toBe(1);
  });

  test("or may have been, because its request was sent, is not made again", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: atOnce });
    const { sink } = startCall(client);
    (await upstream.request()).finish();
    expect(await sink.done).toMatchObject({ code: "upstream_reset" });
    expect(upstream.requests).toBe(1);
  });
});

describe.each(WAYS)("a connection that cannot be made, %s", (_way, openUpstream, refusal) => {
  test("is tried three times within the connect limit", async () => {
    const address = await deadAddress();
    await using client = openUpstream(address, {}, { retry: atOnce, breaker: { failures: 3 } });
    expect(await startCall(client).sink.done).toMatchObject({
      code: "upstream_unreachable",
      details: { reason: refusal },
    });
    // Three failures opened the breaker, so there were three tries.
    expect(await startCall(client).sink.done).toMatchObject({ details: { reason: "circuit_open" } });
  });

  test("gives up when the limit, which its tries share, has passed", async () => {
    const address = await deadAddress();
    // Tries at 0 and 40 ms; the third would come at 120 ms, within 90 ms of the second but not of the first.
    const retry = { baseDelayMs: 80 };
    await using client = openUpstream(address, { timeouts: { connectMs: 90 } }, { retry, random: () => 0.5 });
    expect(await startCall(client).sink.done).toMatchObject({
      code: "upstream_unreachable",
      details: { timer: "connect" },
    });
  });
});

// Straight alone: a proxy may cut the handshake before its words arrive.
describe("a connection that cannot be made", () => {
  test("may fail in its TLS handshake", async () => {
    await using server = createServer((socket) => socket.resume().end("this is not TLS"));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    await using client = openUpstream(`https://127.0.0.1:${port}`);
    const { sink } = startCall(client, { mayRetry: false });
    expect(await sink.done).toMatchObject({
      code: "upstream_unreachable",
      details: { reason: expect.stringContaining("SSL") },
    });
  });
});

describe.each(WAYS)("the breaker, %s", (_way, openUpstream, refusal) => {
  test("fails calls without trying, and tries again after a while", async () => {
    const address = await deadAddress();
    let now = 0;
    const clock = { now: () => now, wall: () => 0 };
    const breaker = { failures: 2, openMs: 1000 };
    await using client = openUpstream(address, {}, { clock, breaker, retry: { maxRetries: 0 } });
    const reasonOf = async () => (await startCall(client).sink.done)?.details?.reason;
    expect(await reasonOf()).toBe(refusal);
    expect(await reasonOf()).toBe(refusal);
    now = 400;
    expect(await startCall(client).sink.done).toMatchObject({
      code: "upstream_unreachable",
      details: { reason: "circuit_open" },
      retryAfterMs: 600,
    });
    now = 1000;
    expect(await reasonOf()).toBe(refusal);
    expect(await reasonOf()).toBe("circuit_open");
  });

  test("counts only connections, not what is answered on them", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { breaker: { failures: 1 }, retry: { maxRetries: 0 } });
    upstream.respondWith((exchange) => void exchange.json(503, {}));
    for (let call = 0; call < 3; call++) {
      expect(await startCall(client).sink.done).toMatchObject({ code: "upstream_overloaded" });
    }
  });
});
