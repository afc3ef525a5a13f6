import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** Without a second try: a failure is seen. */
const ONCE = { mayRetry: false };

/** A whole call over the same loop: what was on its way before it has arrived after it. */
async function letArrive(upstream: ScriptedUpstream): Promise<void> {
  await using other = openUpstream(upstream.url);
  const { sink } = startCall(other, ONCE);
  (await upstream.request()).sse().event("x").end();
  expect(await sink.done).toBeUndefined();
}

describe.each(WAYS)("a request's body, %s", (_way, openUpstream) => {
  test("of several MiB arrives byte for byte, whatever its characters", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    // Of one, two, three and four bytes, so that every write cuts some of them.
    const body = JSON.stringify(Array.from({ length: 200_000 }, (_, item) => `${item} é € 😀 \u0000\u007f\u0080ÿ`));
    const { sink } = startCall(client, { ...ONCE, body });
    const exchange = await upstream.request();
    expect(Number(exchange.headers["content-length"])).toBe(Buffer.byteLength(body));
    expect(exchange.body === body).toBe(true);
    exchange.sse().event("one").end();
    expect(await sink.done).toBeUndefined();
    // The next one finds nothing left over from it.
    const next = startCall(client, { ...ONCE, body: "ÿ" });
    const nextExchange = await upstream.request();
    expect([nextExchange.connection, nextExchange.method, nextExchange.body]).toEqual([1, "POST", "ÿ"]);
    nextExchange.sse().end();
    expect(await next.sink.done).toBeUndefined();
  });
});

describe.each(WAYS)("a call that is paused, %s", (_way, openUpstream) => {
  test("loses nothing of what comes in the same turn and behind it", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client, ONCE);
    const all = Array.from({ length: 300 }, (_, event) => `${event} ${"é".repeat(event)}`);
    // A pause at every third event, each for the rest of the turn.
    sink.onEvent = () => {
      if (sink.events.length % 3 !== 0) return;
      call.pause();
      setImmediate(() => call.resume());
    };
    const exchange = await upstream.request();
    exchange.sse();
    for (const data of all) exchange.event(data);
    exchange.end();
    expect(await sink.done).toBeUndefined();
    expect(sink.data).toEqual(all);
  });

  test("from before its answer until after it gets it whole, and its connection serves the next", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client, ONCE);
    call.pause();
    (await upstream.request()).sse().event("one").event("two").end();
    await letArrive(upstream);
    call.resume();
    call.pause();
    await letArrive(upstream);
    expect(sink.calls).toEqual([]);
    call.resume();
    expect(await sink.done).toBeUndefined();
    expect(sink.data).toEqual(["one", "two"]);
    const next = startCall(client, ONCE);
    const exchange = await upstream.request();
    exchange.sse().event("three").end();
    expect(exchange.connection).toBe(1);
    expect(await next.sink.done).toBeUndefined();
    expect(next.sink.data).toEqual(["three"]);
  });

  test("at its last event leaves a connection that reads", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client, ONCE);
    sink.onEvent = () => call.pause();
    const body = "data: one\n\n";
    const head = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n`;
    (await upstream.request()).write(head + body);
    await sink.received(1);
    const next = startCall(client, ONCE);
    const exchange = await upstream.request();
    exchange.sse().event("two").end();
    expect(exchange.connection).toBe(1);
    expect(await next.sink.done).toBeUndefined();
    call.resume();
    expect(sink.calls.filter((name) => name !== "firstByte")).toEqual(["event", "end"]);
  });

  test("and aborted closes its connection, with what it held unheard", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client, ONCE);
    call.pause();
    const exchange = await upstream.request();
    exchange.sse().event("one").end();
    await letArrive(upstream);
    call.resume();
    call.abort();
    await exchange.closed;
    expect(sink.calls).toEqual([]);
  });
});

// Straight alone: what a proxy has taken of a request, and when it passes a cut on, are its own affair.
describe("a request's body", () => {
  test("is sent no further once the upstream has answered, and its connection serves no other call", async () => {
    const sockets: Socket[] = [];
    const refusal = '{"error":{"message":"too much"}}';
    const answer = `HTTP/1.1 400 x\r\ncontent-type: application/json\r\ncontent-length: ${refusal.length}\r\n\r\n${refusal}`;
    // The first connection is answered unread; more than the kernel takes cannot be sent over it.
    await using server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on("error", () => {});
      if (sockets.push(socket) === 1) socket.write(answer);
      else socket.once("data", () => socket.end(answer)).resume();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    await using client = openUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const early = startCall(client, { ...ONCE, body: "x".repeat(32 * 1_048_576) });
    const refused = { code: "upstream_http_error", message: "too much", details: { status: 400 } };
    expect(await early.sink.done).toMatchObject(refused);
    const next = startCall(client, ONCE);
    expect(await next.sink.done).toMatchObject(refused);
    expect(sockets).toHaveLength(2);
    // Whatever the kernel had taken is followed by the end.
    const [first] = sockets;
    if (first) await once(first.resume(), "close");
  });
});

describe("a call that is paused", () => {
  test.each([
    ["a FIN", "finish", "upstream_truncated"],
    ["a RST", "reset", "upstream_reset"],
  ] as const)("gets what came before %s, and then hears of the cut", async (_name, cut, code) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client, ONCE);
    call.pause();
    const exchange = await upstream.request();
    exchange.sse().event("one").event("two").event("three");
    await letArrive(upstream);
    exchange[cut]();
    await letArrive(upstream);
    expect(sink.calls).toEqual([]);
    call.resume();
    expect(await sink.done).toMatchObject({ code });
    expect(sink.data).toEqual(["one", "two", "three"]);
  });

  test.each([
    ["an answer", "upstream_reset", ""],
    ["a whole answer", undefined, "0\r\n\r\n"],
  ])("gets what it was sent of %s before its own request failed", async (_name, code, end) => {
    const accepted = Promise.withResolvers<Socket>();
    await using other = await startScriptedUpstream();
    // What is never read cannot be wholly sent: the reset fails the writing while nothing is read.
    await using server = createServer({ pauseOnConnect: true }, (socket) => accepted.resolve(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    await using client = openUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const { call, sink } = startCall(client, { ...ONCE, body: "x".repeat(32 * 1_048_576) });
    call.pause();
    const socket = await accepted.promise;
    const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write(`${head}b\r\ndata: one\n\n\r\n${end}`);
    await letArrive(other);
    expect(sink.calls).toEqual([]);
    socket.resetAndDestroy();
    expect((await sink.done)?.code).toBe(code);
    expect(sink.data).toEqual(["one"]);
  });
});
