import { describe, expect, test } from "@jest/globals";
import { frameBytes, PING, RawWebSocket, TEXT } from "../../support/clients/raw-web-socket.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startFaceServer } from "../../support/gateways/face-server.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const PONG = 0xa;
/** No step is so large that it counts as a stall. */
const LIMITS = { pingMs: 40, pongMs: 50 };
const pings = (client: RawWebSocket) => client.frames.filter(({ opcode }) => opcode === PING).length;

/** A raw client and its server, whose clock a test moves: a busy machine takes none of its time. */
async function setUp() {
  const stack = new AsyncDisposableStack();
  const time = { ms: 0 };
  const clock = { now: () => time.ms, wall: () => time.ms };
  const server = stack.use(await startFaceServer({ clock, limits: LIMITS }));
  const client = stack.use(await RawWebSocket.connect(server.url, "/played", "played"));
  const session = await server.session();
  return {
    client,
    session,
    /** Lets time pass without a word until the client is pinged once more. */
    async pinged() {
      const before = pings(client);
      time.ms += LIMITS.pingMs;
      await client.until(() => pings(client) > before);
    },
    /** Resolves once the server has read what the client has sent. */
    heard: async () => void (await (await fetch(server.url)).text()),
    /** Lets the client be silent after a ping for as long as it may. */
    silence() {
      time.ms += LIMITS.pongMs;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe("a silent client", () => {
  test("is pinged, and closed as no_pong, 4001, when it does not respond", async () => {
    await using server = await startFaceServer({ limits: { pingMs: 20, pongMs: 20 } });
    using client = await RawWebSocket.connect(server.url, "/played", "played");
    const session = await server.session();
    expect(await session.closed).toBe("no_pong");
    // A close frame would not be read.
    expect(await client.closed).toBeUndefined();
    expect(pings(client)).toBeGreaterThanOrEqual(1);
    expect(server.closings).toEqual([expect.objectContaining({ closeCode: 4001 })]);
  });

  test.each([
    ["answers", { opcode: PONG }],
    ["says anything", { opcode: TEXT, payload: "x" }],
  ])("lives as long as it %s", async (_what, answer) => {
    await using up = await setUp();
    for (let answered = 1; answered <= 10; answered++) {
      await up.pinged();
      up.client.send(answer);
      await up.heard();
    }
    await up.pinged();
    up.silence();
    expect(await up.session.closed).toBe("no_pong");
    expect(pings(up.client)).toBe(11);
  });

  test("stays connected while bytes of a long frame arrive, within which it cannot send a pong", async () => {
    await using up = await setUp();
    up.client.write(frameBytes({ opcode: TEXT, announcedBytes: 100 }));
    await up.heard();
    for (let answered = 1; answered <= 10; answered++) {
      await up.pinged();
      up.client.write("x");
      await up.heard();
    }
    await up.pinged();
    up.silence();
    expect(await up.session.closed).toBe("no_pong");
    expect(pings(up.client)).toBe(11);
  });

  test("keeps its stream, whose next reader learns of no_pong", async () => {
    await using upstream = await startScriptedUpstream();
    // The second client answers in time, also on a busy machine.
    const limits = { sockets: { pingMs: 100, pongMs: 400 } };
    await using gateway = await startTestGateway({ upstream: upstream.url, config: { limits } });
    using client = await StreamClient.connect(gateway.url, { autoPong: false });
    client.send({ type: "open", id: "a", model: "gpt", body: {} });
    const opened = await client.take(({ type }) => type === "opened");
    const exchange = await upstream.request();
    await client.closed;
    using second = await StreamClient.connect(gateway.url);
    const { stream } = opened as { stream: string };
    second.send({ type: "resume", id: "b", stream, epoch: 1, after: 0 });
    expect(await second.take(({ type }) => type === "resumed")).toMatchObject({ previous: "no_pong" });
    exchange.sse().finishChat();
    expect((await second.rest("b")).end.status).toBe("completed");
  });
});

describe("a suspended gateway", () => {
  test("closes no connection for silence in that time, and counts from its end", async () => {
    const time = { ms: 0 };
    const clock = { now: () => time.ms, wall: () => time.ms };
    await using server = await startFaceServer({ clock, limits: { pingMs: 1_000, pongMs: 50 } });
    using client = await RawWebSocket.connect(server.url, "/played", "played");
    const session = await server.session();
    // In steps too small to count as a stall.
    const ping = async (count: number) => {
      const moving = setInterval(() => (time.ms += 40), 10);
      await client.until(() => pings(client) >= count);
      clearInterval(moving);
    };
    await ping(1);
    time.ms += 5_000;
    await ping(2);
    time.ms += 50;
    expect(await session.closed).toBe("no_pong");
  });

  test("keeps every client through a stall of ten times pongMs", async () => {
    await using server = await startFaceServer({ limits: { pingMs: 20, pongMs: 100 } });
    const clients = await Promise.all(Array.from({ length: 50 }, () => answering(server.url)));
    await Promise.all(clients.map((client) => client.until(() => pings(client) > 0)));
    const until = performance.now() + 1_000;
    while (performance.now() < until);
    await Promise.all(clients.map((client) => client.until(() => pings(client) > 5)));
    expect(server.closings).toEqual([]);
    for (const client of clients) client.socket.destroy();
  });
});

/** A client that responds to every ping. */
async function answering(url: string): Promise<RawWebSocket> {
  const client = await RawWebSocket.connect(url, "/played", "played");
  let answered = 0;
  client.socket.on("data", () => {
    for (; answered < pings(client); answered++) client.send({ opcode: PONG });
  });
  return client;
}
