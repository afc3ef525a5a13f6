import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type WebSocket, WebSocketServer } from "ws";
import { ClientFrame } from "../../protocol/stream.ts";
import { tokensOf } from "../../src/transport/auth/credentials.ts";
import { loadStreamClient } from "./browser-modules.ts";

const { StreamClient } = await loadStreamClient();
const HELLO = { type: "hello", protocol: "sluice.v1", connection: "c_1", limits: { streams: 32, frameBytes: 1 } };

const clients: InstanceType<typeof StreamClient>[] = [];
function connect(token = "") {
  const client = new StreamClient(url, () => token);
  clients.push(client);
  return client;
}

let server: WebSocketServer;
let url: string;
beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "sluice.v1" });
  await once(server, "listening");
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

/** A listener that queues what it hears. */
function listener() {
  const heard: unknown[][] = [];
  let wake = () => {};
  const hear =
    (name: string) =>
    (...values: unknown[]) => {
      heard.push([name, ...values]);
      wake();
    };
  return {
    sent: hear("sent"),
    event: hear("event"),
    end: hear("end"),
    failed: hear("failed"),
    async next() {
      while (heard.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return heard.shift();
    },
  };
}

const nextSocket = async () => (await once(server, "connection")) as [WebSocket, import("node:http").IncomingMessage];
const nextFrame = async (socket: WebSocket) => JSON.parse(String((await once(socket, "message"))[0]));
/** The next frame of this type. */
async function nextOf(socket: WebSocket, type: string) {
  for (;;) {
    const frame = await nextFrame(socket);
    if (frame.type === type) return frame;
  }
}
const send = (socket: WebSocket, frame: object) => socket.send(JSON.stringify(frame));

test("a stream is opened after the hello with a valid frame, and gets its events and its end", async () => {
  const heard = listener();
  connect().open("demo", { messages: [] }, heard);
  const [socket] = await nextSocket();
  send(socket, HELLO);
  const open = await nextFrame(socket);
  expect(ClientFrame.parse(open)).toMatchObject({ type: "open", model: "demo" });
  expect(open.body).toEqual({ messages: [] });
  send(socket, { type: "opened", id: open.id, stream: "s_1", epoch: 1, route: "demo" });
  send(socket, { type: "event", id: open.id, seq: 1, data: { a: 1 } });
  send(socket, { type: "end", id: open.id, lastSeq: 1, status: "completed" });
  expect(await heard.next()).toEqual(["sent"]);
  expect(await heard.next()).toEqual(["event", { a: 1 }, 1]);
  expect(await heard.next()).toMatchObject(["end", { status: "completed" }]);
});

test("the token travels as a subprotocol that the gateway reads", async () => {
  connect("pässword~?").open("demo", {}, listener());
  const [, request] = await nextSocket();
  expect(request.headers["sec-websocket-protocol"]).toMatch(/^sluice\.v1, ?base64url\.bearer\.sluice\.[\w-]+$/);
  expect(tokensOf(request.headers)).toEqual(["pässword~?"]);
});

test("the next stream uses the same socket, or a new one after it has closed", async () => {
  const client = connect();
  client.open("demo", {}, listener());
  const [first] = await nextSocket();
  send(first, HELLO);
  const { id } = await nextFrame(first);
  const second = listener();
  client.open("demo", {}, second);
  expect((await nextFrame(first)).id).not.toBe(id);
  expect(await second.next()).toEqual(["sent"]);
  first.close(1012, "restarting");
  expect(await second.next()).toEqual(["failed", { code: "closed 1012", message: "restarting" }]);
  const third = listener();
  client.open("demo", {}, third);
  const [again] = await nextSocket();
  send(again, HELLO);
  expect(await third.next()).toEqual(["sent"]);
});

test("cancel sends a frame, and the end that follows arrives", async () => {
  const heard = listener();
  const cancel = connect().open("demo", {}, heard);
  const [socket] = await nextSocket();
  send(socket, HELLO);
  const { id } = await nextFrame(socket);
  cancel();
  expect(ClientFrame.parse(await nextFrame(socket))).toEqual({ type: "cancel", id });
  send(socket, { type: "end", id, lastSeq: 0, status: "cancelled" });
  await heard.next();
  expect(await heard.next()).toMatchObject(["end", { status: "cancelled" }]);
});

test("a cancel before the connection is open sends nothing", async () => {
  const heard = listener();
  const cancel = connect().open("demo", {}, heard);
  cancel();
  expect(await heard.next()).toMatchObject(["failed", { code: "cancelled" }]);
});

test("a refused stream fails with the gateway's code and words", async () => {
  const heard = listener();
  connect().open("nope", {}, heard);
  const [socket] = await nextSocket();
  send(socket, HELLO);
  const { id } = await nextFrame(socket);
  await heard.next();
  const error = { code: "unknown_model", message: "no such model", retryable: false };
  send(socket, { type: "error", id, error });
  expect(await heard.next()).toEqual(["failed", error]);
});

test("an unreachable gateway is a failure", async () => {
  const heard = listener();
  await new Promise((resolve) => server.close(resolve));
  connect().open("demo", {}, heard);
  expect(await heard.next()).toEqual([
    "failed",
    { code: "closed 1006", message: "the connection to the gateway was lost" },
  ]);
});

test("a cut is resumed behind the last handled event, and what comes again is not heard again", async () => {
  const heard = listener();
  const client = connect();
  client.open("demo", {}, heard);
  const [first] = await nextSocket();
  send(first, HELLO);
  const { id } = await nextOf(first, "open");
  send(first, { type: "opened", id, stream: "s_1", epoch: 1, route: "demo" });
  send(first, { type: "event", id, seq: 1, data: "a" });
  await heard.next();
  expect(await heard.next()).toEqual(["event", "a", 1]);
  client.cut();
  const [second] = await nextSocket();
  send(second, HELLO);
  expect(ClientFrame.parse(await nextOf(second, "resume"))).toMatchObject({ id, stream: "s_1", epoch: 1, after: 1 });
  send(second, { type: "resumed", id, stream: "s_1", epoch: 1, after: 1 });
  for (const seq of [1, 2, 2, 3]) send(second, { type: "event", id, seq, data: seq });
  send(second, { type: "end", id, lastSeq: 3, status: "completed" });
  expect(await heard.next()).toEqual(["event", 2, 2]);
  expect(await heard.next()).toEqual(["event", 3, 3]);
  expect(await heard.next()).toMatchObject(["end", { status: "completed" }]);
});

test("an event counts as received when it comes and as handled when its promise is fulfilled", async () => {
  let handle = () => {};
  const events: unknown[] = [];
  connect().open(
    "demo",
    {},
    {
      ...listener(),
      event(data) {
        events.push(data);
        return new Promise<void>((resolve) => {
          handle = resolve;
        });
      },
    },
  );
  const [socket] = await nextSocket();
  send(socket, HELLO);
  const { id } = await nextOf(socket, "open");
  send(socket, { type: "opened", id, stream: "s_1", epoch: 1, route: "demo" });
  for (const seq of [1, 2]) send(socket, { type: "event", id, seq, data: seq });
  let ack = await nextOf(socket, "ack");
  while (ack.received < 4) ack = await nextOf(socket, "ack");
  expect(ack).toEqual({ type: "ack", received: 4 });
  expect(events).toEqual([1]);
  handle();
  expect(ClientFrame.parse(await nextOf(socket, "ack"))).toEqual({ type: "ack", received: 4, streams: { [id]: 1 } });
  expect(events).toEqual([1, 2]);
});
