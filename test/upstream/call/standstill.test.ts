import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { describe, expect, test } from "@jest/globals";
import type { Timeouts } from "../../../src/upstream/call/deadlines.ts";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { TestTime } from "../../support/jest/test-time.ts";
import { holdingProxy } from "../../support/network/holding-proxy.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** Short enough for any of them to run out in a standstill. */
const TIMEOUTS: Timeouts = {
  connectMs: 9_000,
  headersMs: 10_000,
  firstEventMs: 11_000,
  idleMs: 12_000,
  progressMs: 13_000,
  totalMs: 100_000,
  endMs: 3,
  errorBodyMs: 5_000,
  finishMs: 1_000,
};
const STANDSTILL_MS = 600_000;

const turn = () => new Promise((passed) => setImmediate(passed));

type Script = (exchange: ScriptedExchange) => unknown;
/** How far an answer came before the standstill, and its rest. */
const cases: readonly [timer: string, begin: Script, rest: Script][] = [
  ["headers", () => {}, (exchange) => exchange.sse().event("one").end()],
  ["first_event", (exchange) => exchange.sse().chunk(": hello\n\n"), (exchange) => exchange.event("one").end()],
  ["idle", (exchange) => exchange.sse().event("one"), (exchange) => exchange.event("two").end()],
];

describe("a process that stood still", () => {
  async function begun(begin: Script, timeouts: Partial<Timeouts> = {}) {
    const upstream = await startScriptedUpstream();
    const time = new TestTime();
    const client = openUpstream(
      upstream.url,
      { timeouts: { ...TIMEOUTS, ...timeouts }, maxConnections: 1 },
      { clock: time, timers: time },
    );
    const started = startCall(client, { mayRetry: false });
    const exchange = await upstream.request();
    begin(exchange);
    // What another call was told, this one was told before.
    await using other = openUpstream(upstream.url);
    const { sink } = startCall(other);
    (await upstream.request()).sse().event("x").end();
    await sink.done;
    const close = async () => {
      await client.close();
      await upstream.close();
    };
    return { ...started, client, upstream, time, exchange, [Symbol.asyncDispose]: close };
  }

  test.each(cases)(
    "fails no call that waits by the limit %s, though nothing came meanwhile",
    async (_, begin, rest) => {
      await using call = await begun(begin);
      call.time.freeze(STANDSTILL_MS);
      await turn();
      await turn();
      expect(call.sink.calls).not.toContain("fail");
      rest(call.exchange);
      expect(await call.sink.done).toBeUndefined();
    },
  );

  test.each(cases)("lets what is left of the limit %s run from then on", async (timer, begin) => {
    await using call = await begun(begin);
    call.time.freeze(STANDSTILL_MS);
    await turn();
    await turn();
    call.time.pass(14_000);
    expect(await call.sink.done).toMatchObject({ code: "upstream_timeout", details: { timer } });
  });

  test("has not used up the limit of the whole answer", async () => {
    await using call = await begun((exchange) => exchange.sse().event("one"), { idleMs: 1e9, progressMs: 1e9 });
    call.time.pass(90_000);
    call.time.freeze(STANDSTILL_MS);
    await turn();
    await turn();
    call.time.pass(8_000);
    await turn();
    await turn();
    expect(call.sink.calls).not.toContain("fail");
    call.time.pass(3_000);
    expect(await call.sink.done).toMatchObject({ code: "upstream_timeout", details: { timer: "total" } });
  });

  test("has not used up the limit of an error's body", async () => {
    const error = '{"error":{"message":"no such model"}}';
    await using call = await begun((exchange) =>
      exchange.head(400, { "content-length": String(error.length) }).write(error.slice(0, 10)),
    );
    call.time.freeze(STANDSTILL_MS);
    await turn();
    await turn();
    call.exchange.write(error.slice(10));
    expect(await call.sink.done).toMatchObject({ code: "upstream_http_error", message: "no such model" });
  });

  test("fails no call that waits for a connection", async () => {
    await using call = await begun((exchange) => exchange.sse().event("one"));
    const waiting = startCall(call.client, { mayRetry: false });
    await turn();
    call.time.freeze(STANDSTILL_MS);
    await turn();
    await turn();
    call.exchange.end();
    (await call.upstream.request()).sse().event("next").end();
    expect(await waiting.sink.done).toBeUndefined();
  });

  test("gives up no connection that is being made", async () => {
    await using server = createServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, (socket) => {
      const answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: hello\n\n";
      socket.on("error", () => {}).once("data", () => socket.end(answer));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    await using proxy = await holdingProxy((server.address() as AddressInfo).port);
    proxy.hold();
    const time = new TestTime();
    await using client = openUpstream(
      `https://localhost:${proxy.port}`,
      { ca: CERTIFICATE, timeouts: TIMEOUTS },
      { clock: time, timers: time },
    );
    const { sink } = startCall(client, { mayRetry: false });
    await proxy.held;
    time.freeze(STANDSTILL_MS);
    await turn();
    await turn();
    proxy.release();
    expect(await sink.done).toBeUndefined();
    expect(sink.data).toEqual(["hello"]);
  });

  test("is told apart from one whose loop is merely late: a limit counts then, behind what has come", async () => {
    await using call = await begun((exchange) => exchange.sse().event("one"));
    // As of timers: the loop looks at its sockets next.
    await turn();
    call.exchange.event("two");
    call.time.pass(11_900);
    call.time.freeze(900);
    await turn();
    await turn();
    expect(call.sink.calls).toEqual(["firstByte", "event", "event"]);
    call.time.pass(10_900);
    call.time.freeze(900);
    await turn();
    await turn();
    call.time.pass(200);
    expect(await call.sink.done).toMatchObject({ code: "upstream_timeout", details: { timer: "idle" } });
  });
});
