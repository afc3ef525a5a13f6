import { describe, expect, test } from "@jest/globals";
import type { Timeouts } from "../../../src/upstream/call/deadlines.ts";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

describe.each(WAYS)(
  "a limit that runs out fails the call by its name and closes the socket, %s",
  (_way, openUpstream) => {
    const cases: readonly [timer: string, timeouts: Partial<Timeouts>, script: (exchange: ScriptedExchange) => void][] =
      [
        ["headers", { headersMs: 30 }, () => {}],
        ["headers", { headersMs: 30 }, (exchange) => exchange.write("HTTP/1.1 200 OK\r\ncontent-type: text/ev")],
        ["first_event", { firstEventMs: 30, idleMs: 1 }, (exchange) => exchange.sse()],
        ["first_event", { firstEventMs: 30, idleMs: 1 }, (exchange) => exchange.sse().chunk(": hello\n\n")],
        ["idle", { idleMs: 30 }, (exchange) => exchange.sse().event("one")],
        ["progress", { progressMs: 30 }, (exchange) => exchange.sse().event("one").chunk(": still here\n\n")],
      ];

    test.each(cases)("%s %j", async (timer, timeouts, script) => {
      await using upstream = await startScriptedUpstream();
      await using client = openUpstream(upstream.url, { timeouts });
      const { sink } = startCall(client);
      const exchange = await upstream.request();
      script(exchange);
      expect(await sink.done).toMatchObject({ code: "upstream_timeout", details: { timer } });
      await exchange.closed;
    });

    test.each<[what: string, script: (exchange: ScriptedExchange) => void]>([
      ["an answer", (exchange) => exchange.sse().event("one")],
      ["no answer", () => {}],
    ])("total, with %s", async (_, script) => {
      await using upstream = await startScriptedUpstream();
      // The clock of the call, so that this runs out once the request has come, however long that took.
      let now = 0;
      const clock = { now: () => now, wall: () => 0 };
      await using client = openUpstream(upstream.url, { timeouts: { totalMs: 60 } }, { clock });
      const { sink } = startCall(client);
      const exchange = await upstream.request();
      script(exchange);
      now = 60;
      expect(await sink.done).toMatchObject({ code: "upstream_timeout", details: { timer: "total" } });
      await exchange.closed;
    });
  },
);

test("bytes that keep coming keep the call alive", async () => {
  await using upstream = await startScriptedUpstream();
  await using client = openUpstream(upstream.url, { timeouts: { idleMs: 200 } });
  const { sink } = startCall(client);
  const exchange = await upstream.request();
  exchange.sse().event("one");
  await sink.received(1);
  const until = performance.now() + 400;
  while (performance.now() < until) {
    exchange.chunk(": ping\n\n");
    await new Promise((turn) => setTimeout(turn, 10));
  }
  exchange.end();
  expect(await sink.done).toBeUndefined();
});

test("a paused call is not idle, and only its total limit runs", async () => {
  await using upstream = await startScriptedUpstream();
  await using client = openUpstream(upstream.url, { timeouts: { idleMs: 200, totalMs: 1_000 } });
  const { call, sink } = startCall(client);
  const exchange = await upstream.request();
  exchange.sse().event("one");
  await sink.received(1);
  call.pause();
  expect(await sink.done).toMatchObject({ code: "upstream_timeout", details: { timer: "total" } });
  await exchange.closed;
});

test("an event that is too large fails the call after the ones before it", async () => {
  await using upstream = await startScriptedUpstream();
  await using client = openUpstream(upstream.url, {}, { maxEventBytes: 1000 });
  const { sink } = startCall(client);
  const exchange = await upstream.request();
  exchange.sse().chunk(`data: one\n\ndata: ${"x".repeat(1001)}\n\ndata: three\n\n`);
  expect(await sink.done).toMatchObject({ code: "event_too_large" });
  expect(sink.data).toEqual(["one"]);
  await exchange.closed;
});

describe.each(WAYS)("malformed UTF-8, %s", (_way, openUpstream) => {
  const bytes = Buffer.concat([Buffer.from("data: a"), Buffer.from([0xff]), Buffer.from("\n\n")]);

  test("is replaced, and told once", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    (await upstream.request()).sse().chunk(bytes).chunk(bytes).end();
    expect(await sink.done).toBeUndefined();
    expect(sink.data).toEqual(["a\ufffd", "a\ufffd"]);
    expect(sink.calls.filter((call) => call === "lossy")).toEqual(["lossy"]);
  });

  test("fails a strict route", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { strictUtf8: true });
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.sse().chunk(bytes);
    expect(await sink.done).toMatchObject({ code: "upstream_protocol" });
    expect(sink.events).toEqual([]);
    await exchange.closed;
  });
});

describe.each(WAYS)("a broken connection, %s", (_way, openUpstream) => {
  const sse = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
  const cases: readonly [name: string, code: string, script: (exchange: ScriptedExchange) => void][] = [
    ["closed before the answer", "upstream_reset", (exchange) => exchange.finish()],
    ["closed within the headers", "upstream_reset", (exchange) => exchange.write("HTTP/1.1 200 OK\r\nx:").finish()],
    ["closed within a chunked body", "upstream_truncated", (exchange) => exchange.sse().event("one").finish()],
    [
      "closed within a chunked body of a last answer",
      "upstream_truncated",
      (exchange) => exchange.sse({ connection: "close" }).event("one").finish(),
    ],
    [
      "closed before the body's length was there",
      "upstream_truncated",
      (exchange) => exchange.write(`${sse}content-length: 100\r\n\r\ndata: one\n\n`).finish(),
    ],
    [
      "closed before the length of a last answer was there",
      "upstream_truncated",
      (exchange) => exchange.write(`${sse}connection: close\r\ncontent-length: 100\r\n\r\ndata: one\n\n`).finish(),
    ],
    ["with a chunk that is none", "upstream_protocol", (exchange) => exchange.sse().event("one").write("zz\r\n")],
    ["with an answer that is none", "upstream_protocol", (exchange) => exchange.write("SSH-2.0-OpenSSH\r\n")],
    [
      "that changes the protocol",
      "upstream_protocol",
      (exchange) => exchange.write("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
    ],
    ["with too many headers", "upstream_bad_response", (exchange) => exchange.head(200, { x: "y".repeat(70_000) })],
  ];

  test.each(cases)("%s is told as %s", async (_, code, script) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    script(exchange);
    expect(await sink.done).toMatchObject({ code });
    await exchange.closed;
  });

  test.each([
    ["chunked", { "transfer-encoding": "chunked" }],
    ["chunked and last", { "transfer-encoding": "chunked", connection: "close" }],
    ["of known length", { "content-length": "100" }],
    ["that only its end delimits", {}],
  ])("reset within a body %s is told as such", async (_, headers) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    const event = "data: one\n\n";
    const body = "transfer-encoding" in headers ? `b\r\n${event}\r\n` : event;
    exchange.head(200, { "content-type": "text/event-stream", ...headers }).write(body);
    await sink.received(1);
    exchange.reset();
    expect(await sink.done).toMatchObject({ code: "upstream_reset" });
    expect(sink.data).toEqual(["one"]);
  });
});
