import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { Upstream } from "../../../src/upstream/upstream.ts";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { freePort } from "../../support/network/free-port.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../../support/upstreams/scripted-upstream.ts";

/** Without a second try: a failure is seen. */
const ONCE = { mayRetry: false };

/** Makes a call that is answered with one event, and says on which connection. */
async function callOnce(upstream: ScriptedUpstream, client: Upstream, answer = answerOne): Promise<ScriptedExchange> {
  const { sink } = startCall(client, ONCE);
  const exchange = await upstream.request();
  answer(exchange);
  expect(await sink.done).toBeUndefined();
  expect(sink.data).toEqual(["one"]);
  return exchange;
}

const answerOne = (exchange: ScriptedExchange) => void exchange.sse().event("one").end();

/** A whole call over the same loop: what was on its way before it has arrived after it. */
async function letArrive(upstream: ScriptedUpstream): Promise<void> {
  await using other = openUpstream(upstream.url);
  await callOnce(upstream, other);
}

describe.each(WAYS)("an idle connection, %s", (_way, openUpstream) => {
  test("serves the next call", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    await callOnce(upstream, client);
    expect((await callOnce(upstream, client)).connection).toBe(1);
  });

  test.each([
    ["an unasked byte", (exchange: ScriptedExchange) => void exchange.write("\n")],
    ["an unasked answer", answerOne],
    ["a FIN", (exchange: ScriptedExchange) => exchange.finish()],
    ["a RST", (exchange: ScriptedExchange) => exchange.reset()],
  ])("that gets %s is closed and serves no other", async (_name, send) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const exchange = await callOnce(upstream, client);
    expect(exchange.isClosed).toBe(false);
    send(exchange);
    await exchange.closed;
    await letArrive(upstream);
    expect(await callOnce(upstream, client)).toMatchObject({ connection: 3 });
  });

  test("that was closed in this very turn serves no other", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const busy = startCall(client, ONCE);
    const busyExchange = await upstream.request();
    const idle = await callOnce(upstream, client);
    const started: ReturnType<typeof startCall>[] = [];
    busy.sink.onEvent = () => started.push(startCall(client, ONCE));
    // Both are there at the client's next look, in this order: the call comes before the close is told.
    idle.write("\n");
    busyExchange.sse().event("go");
    const exchange = await upstream.request();
    expect(exchange.connection).toBe(3);
    answerOne(exchange);
    for (const { sink } of started) expect(await sink.done).toBeUndefined();
    expect(started).toHaveLength(1);
  });

  test("is closed with the upstream client", async () => {
    await using upstream = await startScriptedUpstream();
    const client = openUpstream(upstream.url);
    const exchange = await callOnce(upstream, client);
    await client.close();
    await exchange.closed;
  });
});

describe.each(WAYS)("a connection is used no more, %s", (_way, openUpstream) => {
  const body = "data: one\n\n";
  const sized = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${body.length}\r\n`;

  test.each([
    ["that says it closes", `${sized}connection: close\r\n\r\n${body}`],
    ["whose upstream keeps it for two seconds", `${sized}keep-alive: timeout=2\r\n\r\n${body}`],
    ["of an HTTP/1.0 upstream", `${sized.replace("1.1", "1.0")}connection: keep-alive\r\n\r\n${body}`],
    ["with a byte behind the answer", `${sized}\r\n${body}\n`],
    ["with another answer behind the answer", `${sized}\r\n${body}${sized}\r\n${body.replace("one", "evil")}`],
  ])("%s", async (_name, answer) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const first = await callOnce(upstream, client, (exchange) => void exchange.write(answer));
    await first.closed;
    expect((await callOnce(upstream, client)).connection).toBe(2);
  });

  test("also by a call that waits for it", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { maxConnections: 1 });
    const first = startCall(client, ONCE);
    const exchange = await upstream.request();
    const waiting = callOnce(upstream, client);
    exchange.write(`${sized}\r\n${body}\n`);
    expect(await first.sink.done).toBeUndefined();
    expect((await waiting).connection).toBe(2);
  });

  test("after an answer that breaks HTTP, which fails its call", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.sse().event("one").write("x\r\n");
    expect(await sink.done).toMatchObject({ code: "upstream_protocol" });
    expect(sink.data).toEqual(["one"]);
    await exchange.closed;
    expect((await callOnce(upstream, client)).connection).toBe(2);
    expect(upstream.requests).toBe(2);
  });
});

describe.each(WAYS)("calls at the limit of connections, %s", (_way, openUpstream, refusal) => {
  test("all finish, and share them", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { maxConnections: 5 });
    let running = 0;
    let most = 0;
    upstream.respondWith(async (exchange) => {
      most = Math.max(most, ++running);
      exchange.sse().event(JSON.parse(exchange.body));
      await new Promise((turn) => setImmediate(turn));
      running--;
      exchange.end();
    });
    const calls = Array.from({ length: 100 }, (_, call) => startCall(client, { ...ONCE, body: String(call) }));
    for (const [call, { sink }] of calls.entries()) {
      expect(await sink.done).toBeUndefined();
      expect(sink.data).toEqual([String(call)]);
    }
    expect([upstream.connections, upstream.requests]).toEqual([5, 100]);
    expect(most).toBeLessThanOrEqual(5);
  });

  test("all finish when each connection serves one of them", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { maxConnections: 3 });
    upstream.respondWith((exchange) => void exchange.sse({ connection: "close" }).event("one").end());
    const calls = Array.from({ length: 20 }, () => startCall(client, ONCE));
    for (const { sink } of calls) expect(await sink.done).toBeUndefined();
    expect(upstream.connections).toBe(20);
  });

  test("leave their place to the next when they are aborted while waiting", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { maxConnections: 1 });
    const first = startCall(client, { ...ONCE, path: "/first" });
    const exchange = await upstream.request();
    const second = startCall(client, { ...ONCE, path: "/second" });
    const third = startCall(client, { ...ONCE, path: "/third" });
    await letArrive(upstream);
    second.call.abort();
    answerOne(exchange);
    const next = await upstream.request();
    expect([next.path, next.connection]).toEqual(["/third", 1]);
    answerOne(next);
    expect(await first.sink.done).toBeUndefined();
    expect(await third.sink.done).toBeUndefined();
    expect(second.sink.calls).toEqual([]);
  });

  test("leave their place to the next when they are aborted in the midst", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { maxConnections: 1 });
    const first = startCall(client, ONCE);
    await upstream.request();
    const waiting = callOnce(upstream, client);
    first.call.abort();
    expect((await waiting).connection).toBe(2);
  });

  test("fail each by itself while nobody listens, and are served once somebody does", async () => {
    const port = await freePort();
    await using client = openUpstream(
      `http://127.0.0.1:${port}`,
      { maxConnections: 2 },
      { breaker: { failures: 100 } },
    );
    const calls = Array.from({ length: 7 }, () => startCall(client, ONCE));
    const refused = { code: "upstream_unreachable", details: { reason: refusal } };
    for (const { sink } of calls) expect(await sink.done).toMatchObject(refused);
    const answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: late\n\n";
    await using server = createServer((socket) => void socket.once("data", () => socket.end(answer)));
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const served = Array.from({ length: 7 }, () => startCall(client, ONCE));
    for (const { sink } of served) {
      expect(await sink.done).toBeUndefined();
      expect(sink.data).toEqual(["late"]);
    }
  });
});
