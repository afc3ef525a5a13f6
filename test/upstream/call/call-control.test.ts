import { describe, expect, test } from "@jest/globals";
import type { Upstream } from "../../../src/upstream/upstream.ts";
import { startCall } from "../../support/clients/loopback-call.ts";
import { ownTime } from "../../support/jest/own-time.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** A whole call on the same loop: what was on its way before it has arrived after it. */
async function runOtherCall(upstream: ScriptedUpstream, client: Upstream): Promise<void> {
  const { sink } = startCall(client, { path: "/other" });
  (await upstream.request()).sse().event("x").end();
  await sink.done;
}

describe.each(WAYS)("abort, %s", (_way, openUpstream) => {
  test("closes the upstream's socket at once and ends the telling", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.sse().event("one");
    await sink.received(1);
    const taken = ownTime();
    call.abort();
    await exchange.closed;
    expect(taken()).toBeLessThan(500);
    expect(sink.calls).toEqual(["firstByte", "event"]);
  });

  test("before the answer closes the socket too", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client);
    const exchange = await upstream.request();
    call.abort();
    await exchange.closed;
    expect(sink.calls).toEqual([]);
  });

  test("in the turn of the call sends no request", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client);
    call.abort();
    const next = startCall(client, { path: "/next" });
    expect((await upstream.request()).path).toBe("/next");
    next.call.abort();
    expect(sink.calls).toEqual([]);
    expect(upstream.requests).toBe(1);
  });

  test("while the connection is being made sends no request", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { maxConnections: 1 });
    const { call, sink } = startCall(client);
    // After a microtask the connection is being made; it cannot be there before the next turn.
    await Promise.resolve();
    call.abort();
    const next = startCall(client, { path: "/next" });
    expect((await upstream.request()).path).toBe("/next");
    next.call.abort();
    expect(sink.calls).toEqual([]);
    expect(upstream.requests).toBe(1);
  });

  test("from inside an event ends the telling within the same chunk", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client);
    sink.onEvent = () => call.abort();
    const exchange = await upstream.request();
    exchange.sse().chunk("data: one\n\ndata: two\n\n").end();
    await exchange.closed;
    expect(sink.calls).toEqual(["firstByte", "event"]);
  });

  test("of one call leaves the others alone", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const first = startCall(client);
    const firstExchange = await upstream.request();
    const second = startCall(client);
    const secondExchange = await upstream.request();
    firstExchange.sse().event("a");
    secondExchange.sse().event("b");
    await Promise.all([first.sink.received(1), second.sink.received(1)]);
    first.call.abort();
    await firstExchange.closed;
    secondExchange.event("c").end();
    expect(await second.sink.done).toBeUndefined();
    expect(second.sink.data).toEqual(["b", "c"]);
  });
});

describe.each(WAYS)("detach, %s", (_way, openUpstream) => {
  test("lets the body end, and the connection serves the next call", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client);
    sink.onEvent = () => call.detach();
    const exchange = await upstream.request();
    exchange.sse().event("last").event("too late").end();
    await sink.received(1);
    const next = startCall(client);
    // The first connection may still be busy for a turn; a third call surely finds one of the two.
    (await upstream.request()).sse().event("x").end();
    await next.sink.done;
    const third = startCall(client);
    (await upstream.request()).sse().event("y").end();
    await third.sink.done;
    expect(upstream.connections).toBeLessThanOrEqual(2);
    expect(sink.calls).toEqual(["firstByte", "event"]);
  });

  test("closes the socket of a body that does not end", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { timeouts: { finishMs: 20 } });
    const { call, sink } = startCall(client);
    sink.onEvent = () => call.detach();
    const exchange = await upstream.request();
    exchange.sse().event("last").event("too late");
    await exchange.closed;
    expect(sink.calls).toEqual(["firstByte", "event"]);
  });

  test("says nothing of a connection that breaks afterwards", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.sse().event("last");
    await sink.received(1);
    call.detach();
    exchange.reset();
    await exchange.closed;
    expect(sink.calls).toEqual(["firstByte", "event"]);
  });
});

describe.each(WAYS)("pause, %s", (_way, openUpstream) => {
  test("stops reading until resume, and loses nothing", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client);
    sink.onEvent = ({ data }) => {
      if (data === "0") call.pause();
    };
    const exchange = await upstream.request();
    exchange.sse().event("0");
    await sink.received(1);
    for (let sent = 1; sent < 50; sent++) await exchange.event(sent).writePieces("", []);
    await runOtherCall(upstream, client);
    expect(sink.data).toEqual(["0"]);
    call.resume();
    exchange.end();
    expect(await sink.done).toBeUndefined();
    expect(sink.data).toEqual(Array.from({ length: 50 }, (_, sent) => String(sent)));
  });

  test("before the request is sent holds back the first event", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { call, sink } = startCall(client);
    call.pause();
    const exchange = await upstream.request();
    await exchange.sse().event("one").writePieces("", []);
    await runOtherCall(upstream, client);
    expect(sink.calls).toEqual([]);
    call.resume();
    exchange.end();
    expect(await sink.done).toBeUndefined();
    expect(sink.data).toEqual(["one"]);
  });

  test("and resume may come from inside another call's event", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const held = startCall(client);
    held.sink.onEvent = () => held.call.pause();
    const heldExchange = await upstream.request();
    heldExchange.sse().event("one");
    await held.sink.received(1);
    heldExchange.event("two").end();
    const other = startCall(client);
    other.sink.onEvent = () => held.call.resume();
    (await upstream.request()).sse().event("go").event("on").end();
    await other.sink.done;
    await held.sink.received(2);
    held.call.resume();
    expect(await held.sink.done).toBeUndefined();
    expect(held.sink.data).toEqual(["one", "two"]);
  });
});

describe.each(WAYS)("a sink, %s", (_way, openUpstream) => {
  test("is told nothing before it has its call", async () => {
    await using client = openUpstream("http://127.0.0.1:1");
    const { sink } = startCall(client, { headers: { authorization: "two\r\nlines" } });
    expect(sink.calls).toEqual([]);
    expect(await sink.done).toMatchObject({ code: "internal" });
  });

  test("that throws fails its own call as a fault of the gateway", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    sink.onEvent = () => {
      throw new TypeError("a bug");
    };
    const exchange = await upstream.request();
    exchange.sse().event("one").event("two");
    expect(await sink.done).toMatchObject({ code: "internal" });
    await exchange.closed;
  });

  test("of an unknown route is told so", async () => {
    await using client = openUpstream("http://127.0.0.1:1");
    expect(await startCall(client, { route: "other" }).sink.done).toMatchObject({ code: "unknown_route" });
  });
});
