import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createSecureServer } from "node:tls";
import { describe, expect, test } from "@jest/globals";
import type { Upstream } from "../../../src/upstream/upstream.ts";
import { startCall } from "../../support/clients/loopback-call.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const ANSWER = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 11\r\n\r\ndata: one\n\n";

/** A whole call, which leaves its connection idle. */
async function callOnce(upstream: ScriptedUpstream, client: Upstream): Promise<void> {
  const { sink } = startCall(client);
  (await upstream.request()).sse().event("one").end();
  expect(await sink.done).toBeUndefined();
}

describe.each(WAYS)("a reused connection that closes before any byte of the answer, %s", (_way, openUpstream) => {
  test.each([
    ["with a FIN", "finish"],
    ["with a RST", "reset"],
  ] as const)("%s is not the call's end: it is sent once more, on a new one", async (_name, close) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    await callOnce(upstream, client);
    const { call, sink } = startCall(client, { body: '{"prompt":"twice"}' });
    const first = await upstream.request();
    first[close]();
    const second = await upstream.request();
    expect([first.connection, second.connection]).toEqual([1, 2]);
    expect(second.body).toBe(first.body);
    second.sse().event("two").end();
    expect(await sink.done).toBeUndefined();
    expect(sink.calls).toEqual(["firstByte", "event", "end"]);
    expect([call.isSent, call.isResent]).toEqual([true, true]);
  });

  test("loses no call whose request is larger than the socket takes at once", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const sockets: Socket[] = [];
    await using server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      let read = 0;
      socket.on("data", (bytes) => {
        read += bytes.length;
        // The first connection answers a small request, and goes away at the first piece of the next.
        if (sockets.length > 1 ? read > 8_000_000 : read < 10_000) socket.write(ANSWER);
        else if (sockets.length === 1) socket.destroy();
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    await using other = openUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await startCall(other).sink.done).toBeUndefined();
    await callOnce(upstream, client);
    const { sink } = startCall(other, { body: JSON.stringify("x".repeat(8_000_000)) });
    expect(await sink.done).toBeUndefined();
    expect(sockets.length).toBe(2);
  });

  test("is known over TLS too, when it closes in order", async () => {
    let connections = 0;
    await using server = createSecureServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, (socket) => {
      const connection = ++connections;
      let requests = 0;
      socket.on("error", () => {});
      socket.on("data", () => void (connection === 1 && ++requests === 2 ? socket.end() : socket.write(ANSWER)));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await using client = openUpstream(`https://localhost:${port}`, { ca: CERTIFICATE });
    expect(await startCall(client).sink.done).toBeUndefined();
    const { call, sink } = startCall(client);
    expect(await sink.done).toBeUndefined();
    expect([call.isResent, connections]).toEqual([true, 2]);
  });

  test("takes the other idle ones with it, which were left alone as long", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const calls = [startCall(client), startCall(client), startCall(client)];
    // All are there before one is answered, so that each has a connection of its own.
    const exchanges = [await upstream.request(), await upstream.request(), await upstream.request()];
    for (const exchange of exchanges) exchange.sse().event("one").end();
    for (const { sink } of calls) expect(await sink.done).toBeUndefined();
    const { sink } = startCall(client);
    (await upstream.request()).finish();
    const second = await upstream.request();
    expect(second.connection).toBe(4);
    second.sse().event("two").end();
    expect(await sink.done).toBeUndefined();
  });

  test("is followed by a new one within the route's limit of connections", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { maxConnections: 1 });
    await callOnce(upstream, client);
    const { sink } = startCall(client);
    const next = startCall(client, { path: "/next" });
    (await upstream.request()).finish();
    // Whichever of the two is first: the new connection serves the one, and then the other.
    for (const _call of [sink, next.sink]) {
      const exchange = await upstream.request();
      expect(exchange.connection).toBeGreaterThan(1);
      exchange.sse().event("two").end();
    }
    expect([await sink.done, await next.sink.done]).toEqual([undefined, undefined]);
  });

  test("makes room in the limit by closing one that has just become free", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { maxConnections: 2 });
    const busy = startCall(client, { path: "/busy" });
    const running = await upstream.request();
    await callOnce(upstream, client);
    const stale = startCall(client, { path: "/stale" });
    const gone = await upstream.request();
    const waiting = startCall(client, { path: "/waiting" });
    gone.finish();
    running.sse().event("one").end();
    expect(await busy.sink.done).toBeUndefined();
    for (let answered = 0; answered < 2; answered++) {
      const exchange = await upstream.request();
      if (exchange.path === "/stale") expect(exchange.connection).toBeGreaterThan(2);
      exchange.sse().event("two").end();
    }
    expect([await stale.sink.done, await waiting.sink.done]).toEqual([undefined, undefined]);
  });

  test("is tried once more only: the second one that closes is the call's end", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    await callOnce(upstream, client);
    const { sink } = startCall(client);
    (await upstream.request()).finish();
    (await upstream.request()).finish();
    expect(await sink.done).toMatchObject({ code: "upstream_reset" });
    expect(upstream.requests).toBe(3);
  });

  test.each([
    ["the request forbids it", { mayRetry: false }, {}],
    ["the route forbids it", {}, { retry: false }],
  ] as const)("is the call's end where %s", async (_name, request, route) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, route);
    await callOnce(upstream, client);
    const { call, sink } = startCall(client, request);
    (await upstream.request()).finish();
    expect(await sink.done).toMatchObject({ code: "upstream_reset" });
    expect([upstream.requests, call.isResent]).toEqual([2, false]);
  });

  test("takes from the retry budget, and is the call's end when that is used up", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: { budgetReserve: 1, budgetRatio: 0 } });
    for (const code of [undefined, "upstream_reset"]) {
      await callOnce(upstream, client);
      const { sink } = startCall(client);
      (await upstream.request()).finish();
      if (code === undefined) (await upstream.request()).sse().event("two").end();
      expect((await sink.done)?.code).toBe(code);
    }
  });

  test("can be aborted while its second try waits for its connection", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    await callOnce(upstream, client);
    const { call, sink } = startCall(client);
    const first = await upstream.request();
    first.finish();
    const second = await upstream.request();
    call.abort();
    await second.closed;
    expect(sink.calls).toEqual([]);
  });
});

describe.each(WAYS)("a connection that closes, %s", (_way, openUpstream) => {
  test.each([
    ["after part of the status line", "HTTP/1.1 2"],
    ["after an interim answer", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["after one byte", "H"],
  ])("%s is the call's end, though it was reused", async (_name, bytes) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    await callOnce(upstream, client);
    const { sink } = startCall(client);
    (await upstream.request()).write(bytes).finish();
    expect(await sink.done).toMatchObject({ code: "upstream_reset" });
    expect(upstream.requests).toBe(2);
  });

  test("and was new is the call's end: the upstream may have taken the request", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    (await upstream.request()).reset();
    expect(await sink.done).toMatchObject({ code: "upstream_reset" });
    expect(upstream.requests).toBe(1);
  });

  test("because the gateway stops is not followed by another", async () => {
    await using upstream = await startScriptedUpstream();
    const client = openUpstream(upstream.url);
    await callOnce(upstream, client);
    const { sink } = startCall(client);
    await upstream.request();
    await client.close();
    expect(await sink.done).toMatchObject({ code: "shutting_down" });
    expect(upstream.connections).toBe(1);
  });
});

describe.each(WAYS)("a client that retries by itself, %s", (_way, openUpstream) => {
  const mayRetry = "reconnect";

  test.each([502, 503, 529])("gets a %i after one call", async (status) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { retry: { baseDelayMs: 0 } });
    upstream.respondWith((exchange) => void exchange.json(status, {}));
    expect(await startCall(client, { mayRetry }).sink.done).toMatchObject({ details: { status } });
    expect(upstream.requests).toBe(1);
  });

  test("does not notice that its connection was stale", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    await callOnce(upstream, client);
    const { sink } = startCall(client, { mayRetry });
    (await upstream.request()).finish();
    (await upstream.request()).sse().event("two").end();
    expect(await sink.done).toBeUndefined();
  });
});
