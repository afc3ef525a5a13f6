/** Rows C1 to C19 of docs/faults.md on the Responses socket and the AI SDK's chat. */
import { describe, expect, test } from "@jest/globals";
import { BINARY, PING, RawWebSocket, TEXT } from "../../support/clients/raw-web-socket.ts";
import { upgrade } from "../../support/clients/upgrade.ts";
import { freshSecret } from "../../support/gateways/gateway-key.ts";
import { startKeyedGateway } from "../../support/gateways/keyed-gateway.ts";
import { FaceClient, SOCKET_FACES, type SocketFace } from "../../support/gateways/socket-faces.ts";
import { ownTime } from "../../support/jest/own-time.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";
import { setUp } from "./set-up.ts";

const directory = temporaryDirectories();

const SMALL = { logBytes: 65_536, sockets: { socketGateBytes: 4_096 } };
const TEXT_EACH = "x".repeat(4_000);

/** Says something until neither the kernel nor the gateway takes more. Returns how often. */
async function fill(face: SocketFace, exchange: Parameters<SocketFace["say"]>[0]): Promise<number> {
  let times = 0;
  for (; exchange.unsentBytes < 1_000_000 && !exchange.isClosed; times++) {
    face.say(exchange, TEXT_EACH);
    await new Promise((turn) => setImmediate(turn));
  }
  return times;
}

/** A gateway with a key, its secret, and a client that shows it. */
async function setUpKeyed(face: SocketFace) {
  await using made = new AsyncDisposableStack();
  const upstream = made.use(await startScriptedUpstream());
  const gateway = made.use(await startKeyedGateway(directory(), upstream.url));
  const key = await gateway.makeKey("agent");
  const client = made.use(await FaceClient.connect(face, gateway.url, key));
  const stack = made.move();
  return { upstream, gateway, key, client, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe.each(SOCKET_FACES)("%s", (_, face) => {
  test("C1: a client that stops reading holds back its own upstream only, and later gets everything", async () => {
    await using up = await setUp(face, { limits: SMALL });
    up.client.ask("a");
    const exchange = face.begin(await up.upstream.request());
    up.client.ws.pause();
    const times = await fill(face, exchange);
    const other = await up.connect();
    other.ask("b");
    face.finish(face.say(face.begin(await up.upstream.request()), "Hi"));
    expect([await other.end("b"), other.said("b")]).toMatchObject([{ as: "completed" }, "Hi"]);
    face.finish(exchange);
    up.client.ws.resume();
    expect(await up.client.end("a")).toMatchObject({ as: "completed" });
    expect(up.client.said("a")).toHaveLength(times * TEXT_EACH.length);
  });

  test("C2: a client that reads nothing loses its answer after the log was full for its time", async () => {
    await using up = await setUp(face, { limits: { ...SMALL, streams: { pausedMs: 100 } } });
    up.client.ask("a");
    const exchange = face.begin(await up.upstream.request());
    up.client.ws.pause();
    await fill(face, exchange);
    await exchange.closed;
    expect(await up.line()).toMatchObject({ face: face.name, status: "failed", code: "slow_consumer" });
  });

  test("C3: a socket that answers no ping is closed", async () => {
    await using up = await setUp(face, { limits: { sockets: { pingMs: 50, pongMs: 50 } } });
    using silent = await FaceClient.connect(face, up.gateway.url, undefined, false);
    await silent.closed;
    const line = () => up.gateway.log.lines.find(({ event }) => event === "connection");
    await turnsUntil(() => line());
    expect(line()).toMatchObject({ face: face.name, closeCode: 4001 });
  });

  test.each([
    ["invalid UTF-8", { opcode: TEXT, payload: Buffer.from([0xff]) }, 1007],
    ["a reserved bit", { opcode: TEXT, payload: "{}", rsv: 4 }, 1002],
    ["no mask", { opcode: TEXT, payload: "{}", masked: false }, 1002],
    ["a reserved opcode", { opcode: 0x3 }, 1002],
    ["a binary message (C9)", { opcode: BINARY, payload: "{}" }, 1003],
  ])("C6: %s closes the socket, and other sockets continue", async (_, frame, code) => {
    await using up = await setUp(face);
    using raw = await RawWebSocket.connect(up.gateway.url, face.path, "sluice.ai");
    raw.send(frame);
    expect(await raw.closed).toBe(code);
    up.client.ask("a");
    face.finish(face.begin(await up.upstream.request()));
    expect(await up.client.end("a")).toMatchObject({ as: "completed" });
  });

  test("C7: a message above limits.apiBodyBytes is refused by its announced length", async () => {
    await using up = await setUp(face, { limits: { apiBodyBytes: 10_000 } });
    using raw = await RawWebSocket.connect(up.gateway.url, face.path, "sluice.ai");
    raw.send({ opcode: TEXT, payload: "{", announcedBytes: 10_001 });
    expect(await raw.closed).toBe(1009);
  });

  test("C8: a flood of pings, and one of messages, closes the socket", async () => {
    await using up = await setUp(face, { limits: { requests: { framesPerSecond: 20 } } });
    using pinging = await RawWebSocket.connect(up.gateway.url, face.path, "sluice.ai");
    for (let at = 0; at < 100; at++) pinging.send({ opcode: PING });
    expect(await pinging.closed).toBe(1008);
    for (let at = 0; at < 400; at++) up.client.send(face.stop("none"));
    expect(await up.client.closed).toBe(4029);
  });

  test("C10: the 21st frame within a minute that is not JSON closes the socket", async () => {
    await using up = await setUp(face);
    for (let at = 0; at < 21; at++) up.client.send("hello");
    expect(await up.client.closed).toBe(4508);
    const refused = up.gateway.log.lines.filter(({ event, code }) => event === "refused" && code === "bad_frame");
    expect(refused.length).toBeGreaterThan(0);
  });

  test("C12: a stop before the answer begins, again, after its end, and of nothing leaves one end", async () => {
    await using up = await setUp(face);
    up.client.ask("a");
    for (const id of ["a", "a", "never"]) up.client.send(face.stop(id));
    await up.line();
    up.upstream.respondWith((exchange) => void face.finish(face.begin(exchange)));
    up.client.ask("b");
    expect(await up.client.end("b")).toMatchObject({ as: "completed" });
    up.client.send(face.stop("b"));
    up.client.ask("c");
    await up.client.end("c");
    expect(up.lines().map(({ status }) => status)).toEqual(["cancelled", "completed", "completed"]);
    expect(["b", "c"].map((id) => up.client.endings(id).length)).toEqual([1, 1]);
  });

  test("C12: a stop in mid-answer closes the upstream at once, and the text stays", async () => {
    await using up = await setUp(face);
    up.client.ask("a");
    const exchange = face.say(face.begin(await up.upstream.request()), "Hi");
    await up.client.until(() => up.client.said("a") === "Hi");
    for (let at = 0; at < 2; at++) up.client.send(face.stop("a"));
    await exchange.closed;
    expect(await up.client.end("a")).toMatchObject({ as: "cancelled" });
    expect(await up.line()).toMatchObject({ status: "cancelled", code: "cancelled" });
    expect(up.client.endings("a")).toHaveLength(1);
  });

  test("C13: opens beyond a caller's rate are refused, and the socket goes on", async () => {
    await using up = await setUp(face, { limits: { opensPerSecond: 1, streams: { opensBurst: 1 } } });
    up.client.ask("a");
    up.client.ask("b");
    expect(await up.client.end("b")).toMatchObject({ as: "refused" });
    expect(up.gateway.log.lines.find(({ event }) => event === "refused")).toMatchObject({ code: "rate_limited" });
    face.finish(face.begin(await up.upstream.request()));
    expect(await up.client.end("a")).toMatchObject({ as: "completed" });
    expect(up.upstream.requests).toBe(1);
  });

  test("C17: a revoked key ends its answers and closes its sockets within five seconds", async () => {
    await using up = await setUpKeyed(face);
    up.client.ask("a");
    const exchange = face.say(face.begin(await up.upstream.request()), "Hi");
    await up.client.until(() => up.client.said("a") === "Hi");
    const taken = ownTime();
    await up.gateway.keys("revoke", "agent");
    expect(await up.client.closed).toBe(4501);
    await exchange.closed;
    expect(taken()).toBeLessThan(5_000);
    const line = up.gateway.log.lines.find(({ event }) => event === "stream");
    expect(line).toMatchObject({ face: face.name, status: "cancelled", code: "cancelled" });
  });

  test("C19: a wrong origin, host or token is refused before the upgrade, whatever is wrong with the token", async () => {
    await using up = await setUpKeyed(face);
    const authorization = `Bearer ${up.key}`;
    const ask = (headers: Record<string, string>) => upgrade(up.gateway.url, { path: face.path, headers });
    expect((await ask({ authorization, origin: "https://evil.example" })).status).toBe(403);
    expect((await ask({ authorization, host: "evil.example" })).status).toBe(403);
    const [wrong, unknown] = [
      await ask({ authorization: "Bearer x" }),
      await ask({ authorization: `Bearer ${freshSecret()}` }),
    ];
    expect([wrong.status, wrong.body]).toEqual([401, unknown.body]);
  });
});

const [[, responses], [, aiSdk]] = SOCKET_FACES;

describe("where the faces differ", () => {
  test("C4: a cut socket cancels a response, and leaves a chat's answer for its grace time", async () => {
    for (const [face, status] of [
      [responses, "cancelled"],
      [aiSdk, "completed"],
    ] as const) {
      await using up = await setUp(face);
      up.client.ask("a");
      const exchange = face.say(face.begin(await up.upstream.request()), "Hi");
      await up.client.until(() => up.client.said("a") === "Hi");
      up.client.ws.terminate();
      await up.client.closed;
      if (status === "completed") face.finish(exchange);
      else await exchange.closed;
      expect(await up.line()).toMatchObject({ status });
    }
  });

  test("C11: a request that is sent again waits for its lane; a chat refuses it", async () => {
    await using lanes = await setUp(responses);
    for (let at = 0; at < 2; at++) lanes.client.ask("a");
    for (let at = 0; at < 2; at++) responses.finish(responses.begin(await lanes.upstream.request()));
    await lanes.client.until(() => lanes.client.endings("a").length === 2);

    await using chat = await setUp(aiSdk);
    for (let at = 0; at < 2; at++) chat.client.ask("a");
    expect(await chat.client.end("a")).toMatchObject({ as: "refused" });
    chat.client.ask("b", { id: "chat-a" });
    expect(await chat.client.end("b")).toMatchObject({ as: "refused" });
    expect(chat.upstream.requests).toBeLessThanOrEqual(1);
  });

  test("C15: another caller's chat is answered like one that never was", async () => {
    await using up = await setUpKeyed(aiSdk);
    up.client.ask("a");
    aiSdk.say(aiSdk.begin(await up.upstream.request()), "Hi");
    await up.client.until(() => up.client.said("a") === "Hi");
    using thief = await FaceClient.connect(aiSdk, up.gateway.url, await up.gateway.makeKey("thief"));
    for (const id of ["chat-a", "never"]) thief.send({ type: "resume", requestId: "r", id, headers: {} });
    await thief.until(() => thief.frames.length === 2);
    expect(thief.frames).toEqual([1, 2].map(() => ({ type: "no-active", requestId: "r" })));
  });

  test("C15: another caller's response is not found, like one that never was", async () => {
    await using up = await setUpKeyed(responses);
    up.client.ask("a");
    responses.finish(responses.begin(await up.upstream.request()));
    await up.client.end("a");
    using thief = await FaceClient.connect(responses, up.gateway.url, await up.gateway.makeKey("thief"));
    for (const id of ["resp_1", "resp_9"]) thief.ask(id, { previous_response_id: id });
    await thief.until(() => thief.frames.length === 2);
    const [found, never] = thief.frames.map((frame) => JSON.stringify(frame));
    expect(found).toContain("previous_response_not_found");
    expect(found?.replaceAll("resp_1", "resp_9")).toBe(never);
    expect(up.upstream.requests).toBe(1);
  });

  test("C16: two sockets that resume one chat both read it", async () => {
    await using up = await setUp(aiSdk);
    up.client.ask("a");
    const exchange = aiSdk.say(aiSdk.begin(await up.upstream.request()), "Hi");
    await up.client.until(() => up.client.said("a") === "Hi");
    const other = await up.connect();
    other.send({ type: "resume", requestId: "r", id: "chat-a", headers: {} });
    await other.until(() => other.said("r") === "Hi");
    aiSdk.finish(aiSdk.say(exchange, " there"));
    await Promise.all([up.client.end("a"), other.end("r")]);
    expect([up.client.said("a"), other.said("r")]).toEqual(["Hi there", "Hi there"]);
  });
});
