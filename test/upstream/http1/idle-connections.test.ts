import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { Upstream } from "../../../src/upstream/upstream.ts";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { TestTime } from "../../support/jest/test-time.ts";
import { type OpenUpstream, WAYS } from "../../support/jest/ways.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../../support/upstreams/scripted-upstream.ts";

/** A whole call, answered with these headers; says on which connection it was. */
async function callOnce(upstream: ScriptedUpstream, client: Upstream, headers = {}): Promise<ScriptedExchange> {
  const { sink } = startCall(client, { mayRetry: false });
  const exchange = await upstream.request();
  exchange.sse(headers).event("one").end();
  expect(await sink.done).toBeUndefined();
  return exchange;
}

/** A whole call of somebody else: what was on its way before it has arrived after it. */
async function letArrive(upstream: ScriptedUpstream): Promise<void> {
  await using other = openUpstream(upstream.url);
  await callOnce(upstream, other);
}

function timed(openUpstream: OpenUpstream, url: string) {
  const time = new TestTime();
  return { time, client: openUpstream(url, {}, { clock: time, timers: time }) };
}

describe.each(WAYS)("an idle connection, %s", (_way, openUpstream) => {
  test.each([
    [4_000, {}],
    [8_000, { "keep-alive": "timeout=10" }],
  ])("is closed after %i ms with the headers %j, and not before", async (idleMs, headers) => {
    await using upstream = await startScriptedUpstream();
    const { time, client } = timed(openUpstream, upstream.url);
    await using _ = client;
    const first = await callOnce(upstream, client, headers);
    await letArrive(upstream);
    time.pass(idleMs - 1);
    await letArrive(upstream);
    expect(first.isClosed).toBe(false);
    const second = await callOnce(upstream, client, headers);
    expect(second.connection).toBe(1);
    await letArrive(upstream);
    time.pass(idleMs);
    await first.closed;
  });

  test("that is being used has no such limit", async () => {
    await using upstream = await startScriptedUpstream();
    const { time, client } = timed(openUpstream, upstream.url);
    await using _ = client;
    await callOnce(upstream, client);
    await letArrive(upstream);
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    time.pass(4_001);
    await letArrive(upstream);
    exchange.sse().event("one").end();
    expect(await sink.done).toBeUndefined();
    expect(exchange.connection).toBe(1);
  });

  test.each([
    ["its timer has not come yet", (time: TestTime) => time.passUnseen(4_000)],
    ["the process stood still", (time: TestTime) => time.freeze(4_000)],
    ["the machine slept, and its timers with it", (time: TestTime) => time.sleep(4_000)],
  ])("serves no call once its time is over, though %s", async (_name, pass) => {
    await using upstream = await startScriptedUpstream();
    const { time, client } = timed(openUpstream, upstream.url);
    await using _ = client;
    const first = await callOnce(upstream, client);
    await letArrive(upstream);
    pass(time);
    const second = await callOnce(upstream, client);
    expect([first.connection, second.connection]).toEqual([1, 3]);
    await first.closed;
  });
});

// Straight alone: through a proxy a connection takes more turns of the loop to be made.
describe("an idle connection", () => {
  test("that no call ever claimed is closed after 4 s, and not before", async () => {
    const sockets: Socket[] = [];
    await using upstream = await startScriptedUpstream();
    await using server = createServer((socket) => void sockets.push(socket.resume())).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { time, client } = timed(openUpstream, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await using _ = client;
    const { call, sink } = startCall(client);
    // After a microtask the connection is being made; it cannot be there before the next turn.
    await Promise.resolve();
    call.abort();
    const [socket] = (await once(server, "connection")) as [Socket];
    await letArrive(upstream);
    time.pass(3_999);
    await letArrive(upstream);
    expect(socket.destroyed).toBe(false);
    time.pass(1);
    await once(socket, "close");
    expect([sockets.length, sink.calls]).toEqual([1, []]);
  });
});

describe.each(WAYS)("a route's keepAliveMs, %s", (_way, openUpstream) => {
  test.each([
    [60_000, {}, 60_000],
    [60_000, { "keep-alive": "timeout=5" }, 3_000],
    [1_000, {}, 1_000],
    [1_000, { "keep-alive": "timeout=10" }, 8_000],
  ])("of %i ms, with the headers %j, keeps an idle connection for %i ms", async (keepAliveMs, headers, idleMs) => {
    await using upstream = await startScriptedUpstream();
    const time = new TestTime();
    await using client = openUpstream(upstream.url, { keepAliveMs }, { clock: time, timers: time });
    const first = await callOnce(upstream, client, headers);
    await letArrive(upstream);
    time.pass(idleMs - 1);
    await letArrive(upstream);
    expect(first.isClosed).toBe(false);
    time.pass(1);
    await first.closed;
  });

  test("of 0 keeps none, whatever the upstream says, and says so to it", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { keepAliveMs: 0 });
    const first = await callOnce(upstream, client, { "keep-alive": "timeout=10" });
    await first.closed;
    expect(first.headers.connection).toBe("close");
    expect((await callOnce(upstream, client)).connection).toBe(2);
  });
});
