import { Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { WebSocket } from "ws";
import { AckClient } from "../support/clients/ack-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const chunk = (text: string) => ({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });
const body = { messages: [{ role: "user", content: "Hi" }] };

const finish = (exchange: ScriptedExchange) => exchange.finishChat();

/** A stream of which one event came, its upstream's side, and its client. */
async function setUp(open: Readonly<Record<string, unknown>> = {}, limits: Readonly<Record<string, unknown>> = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const gateway = stack.use(await startTestGateway({ upstream: upstream.url, config: { limits } }));
  const client = stack.use(await new AckClient(gateway.url).connect());
  const stream = client.open("a", { model: "gpt", body, ...open });
  const exchange = (await upstream.request()).sse().event(chunk("Hel"));
  await stream.reached(1);
  return { upstream, gateway, client, stream, exchange, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** The connection below a WebSocket, for which ws has no public name. */
function socketOf(ws: WebSocket): Socket {
  const socket: unknown = Reflect.get(ws, "_socket");
  if (!(socket instanceof Socket)) throw new Error("ws keeps its socket elsewhere");
  return socket;
}

const faultsOf = (gateway: { readonly log: { readonly lines: Record<string, unknown>[] } }) =>
  gateway.log.lines.filter(({ event }) => event === "fault");

describe("C4: a client whose socket is gone", () => {
  test.each(["terminate", "resetAndDestroy"] as const)(
    "by %s resumes on a new one, and the upstream never notices",
    async (how) => {
      await using up = await setUp();
      const { ws } = up.client;
      const { closed } = up.client;
      if (how === "terminate") ws.terminate();
      else socketOf(ws).resetAndDestroy();
      await closed;
      up.exchange.event(chunk("lo"));
      await up.client.connect();
      await up.stream.reached(2);
      finish(up.exchange);
      expect(await up.stream.over).toMatchObject({ status: "completed", lastSeq: 4 });
      expect(up.stream.frames.map(({ type }) => type)).toEqual(["opened", "resumed", "end"]);
      expect([up.stream.faults, up.upstream.requests, faultsOf(up.gateway)]).toEqual([[], 1, []]);
    },
  );

  test("ends the upstream of a stream opened with cancel at once", async () => {
    await using up = await setUp({ away: "cancel" });
    up.client.cut();
    await up.exchange.closed;
    await up.client.connect();
    expect(await up.stream.over).toMatchObject({ status: "cancelled", error: { code: "client_gone" } });
  });

  test("and never comes back has its upstream socket closed after the grace time", async () => {
    await using up = await setUp({}, { graceMs: 1 });
    up.client.cut();
    await up.exchange.closed;
    expect(faultsOf(up.gateway)).toEqual([]);
  });

  test("finds the end of a stream opened with finish when it comes back", async () => {
    await using up = await setUp({ away: "finish" }, { graceMs: 1 });
    up.client.cut();
    finish(up.exchange);
    await up.client.connect();
    expect(await up.stream.over).toMatchObject({ status: "completed", lastSeq: 3 });
  });

  test("learns that the gateway disconnected it for silence", async () => {
    // While it reads it answers in time, also on a busy machine.
    await using up = await setUp({}, { sockets: { pingMs: 100, pongMs: 400 } });
    // It reads nothing, so it answers no ping; its end of the socket stays open.
    up.client.ws.pause();
    const log = up.gateway.log;
    const closed = () => log.lines.some(({ event, closeCode }) => event === "connection" && closeCode === 4001);
    await turnsUntil(() => closed());
    await up.client.connect();
    finish(up.exchange);
    await up.stream.over;
    expect(up.stream.frames.find(({ type }) => type === "resumed")).toMatchObject({ previous: "no_pong" });
  });
});

describe("C2: a client that reads its socket and acknowledges nothing", () => {
  test("has its upstream socket closed after pausedMs, and gets the rest of the log when it comes back", async () => {
    await using up = await setUp({}, { streams: { windowEvents: 4, logEntries: 8, pausedMs: 1 } });
    up.client.acksHandled = false;
    for (let count = 0; count < 40; count++) up.exchange.event(chunk("x"));
    await up.exchange.closed;
    up.client.acksHandled = true;
    await up.client.connect();
    const end = await up.stream.over;
    expect(end).toMatchObject({ type: "end", status: "failed", error: { code: "slow_consumer" } });
    expect([up.stream.faults, up.stream.last >= 8]).toEqual([[], true]);
  });
});
