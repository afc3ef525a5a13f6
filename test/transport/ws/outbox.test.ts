import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { WebSocket, WebSocketServer } from "ws";
import { ReadTurn } from "../../../src/core/stream/read-turn.ts";
import { Outbox } from "../../../src/transport/ws/outbox.ts";
import { CLOSE, frameBytes, RawWebSocket, TEXT } from "../../support/clients/raw-web-socket.ts";
import { type FaceServer, type PlayedSession, startFaceServer } from "../../support/gateways/face-server.ts";
import { noFault } from "../../support/relay/no-fault.ts";

/** A socket that records writes, and completes them only when a test lets it. */
class CountingSocket extends Duplex {
  /** The content of each write. */
  readonly writes: string[] = [];
  isFull = false;
  #waiting: (() => void)[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this.#take(chunk.toString("latin1"), taken);
  }

  override _writev(chunks: { chunk: Buffer }[], taken: () => void): void {
    this.#take(chunks.map(({ chunk }) => chunk.toString("latin1")).join(""), taken);
  }

  /** The kernel has room again. */
  empty(): void {
    this.isFull = false;
    for (const taken of this.#waiting.splice(0)) taken();
  }

  #take(text: string, taken: () => void): void {
    this.writes.push(text);
    if (this.isFull) this.#waiting.push(taken);
    else taken();
  }
}

const MAX_UNREAD_BYTES = 10_000;

const opened: WebSocket[] = [];
// A closing ws waits half a minute for the peer's close frame.
afterAll(() => {
  for (const ws of opened) ws.terminate();
});

async function setUp(gateBytes = 1_000) {
  const socket = new CountingSocket();
  const request = new IncomingMessage(new Socket());
  request.method = "GET";
  request.headers = {
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": Buffer.from("0123456789abcdef").toString("base64"),
  };
  const acceptor = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const ws = await new Promise<WebSocket>((resolve) =>
    acceptor.handleUpgrade(request, socket, Buffer.alloc(0), resolve),
  );
  opened.push(ws);
  socket.writes.length = 0;
  let drains = 0;
  const reads = new ReadTurn(noFault);
  let exceeded = 0;
  const unread = { maxBytes: MAX_UNREAD_BYTES, exceeded: () => exceeded++ };
  const outbox = new Outbox(ws, socket, gateBytes, reads, () => drains++, unread);
  return { socket, ws, outbox, reads, drains: () => drains, exceeded: () => exceeded };
}

const endOfTurn = () => new Promise((turn) => setImmediate(turn));

describe("an outbox", () => {
  test("says when more of its own frames wait than may, and not while the socket takes them", async () => {
    const { socket, outbox, exceeded } = await setUp();
    const half = "x".repeat(MAX_UNREAD_BYTES / 2);
    const send = () => {
      outbox.pushOwn(half);
      outbox.flush();
    };
    for (let sent = 0; sent < 10; sent++) send();
    socket.isFull = true;
    send();
    send();
    expect(exceeded()).toBe(0);
    send();
    expect(exceeded()).toBe(1);
  });

  test("lets a single frame of its own be larger than that", async () => {
    const { socket, outbox, exceeded } = await setUp();
    socket.isFull = true;
    outbox.pushOwn("x".repeat(3 * MAX_UNREAD_BYTES));
    outbox.flush();
    expect(exceeded()).toBe(0);
  });

  test("forgets its own frames once the socket has taken them, and never counts those of streams", async () => {
    const { socket, outbox, exceeded } = await setUp();
    const most = "x".repeat(MAX_UNREAD_BYTES - 1_000);
    for (let round = 0; round < 3; round++) {
      socket.isFull = true;
      outbox.pushOwn(most);
      outbox.push(most.repeat(3), "turn");
      outbox.flush();
      socket.empty();
      await endOfTurn();
    }
    expect(exceeded()).toBe(0);
  });

  test("counts control frames that wait, with the memory of their writes", async () => {
    const { socket, outbox, exceeded } = await setUp();
    socket.isFull = true;
    outbox.pushOwn("x");
    outbox.flush();
    for (let pongs = 0; pongs < 15; pongs++) outbox.wrote(125);
    expect(exceeded()).toBe(0);
    outbox.wrote(125);
    expect(exceeded()).toBe(1);
  });

  test("writes all frames of a loop turn at once, in order, each as its own message", async () => {
    const { socket, outbox } = await setUp();
    for (const frame of ["a", "b", "c"]) outbox.push(frame, "turn");
    queueMicrotask(() => outbox.push("d", "turn"));
    process.nextTick(() => outbox.push("e", "turn"));
    expect(socket.writes).toEqual([]);
    await endOfTurn();
    expect(socket.writes).toEqual(["\x81\x01a\x81\x01b\x81\x01c\x81\x01d\x81\x01e"]);
    expect(outbox.frames).toBe(5);
  });

  test("writes the frames of the next turn separately", async () => {
    const { socket, outbox } = await setUp();
    outbox.push("a", "turn");
    await endOfTurn();
    outbox.push("b", "turn");
    await endOfTurn();
    expect(socket.writes).toEqual(["\x81\x01a", "\x81\x01b"]);
  });

  test("writes an urgent frame at once, with all that were queued before it", async () => {
    const { socket, outbox } = await setUp();
    outbox.push("a", "turn");
    outbox.push("b", "now");
    expect(socket.writes).toEqual(["\x81\x01a\x81\x01b"]);
    outbox.push("c", "turn");
    await endOfTurn();
    expect(socket.writes.slice(1)).toEqual(["\x81\x01c"]);
  });

  test("writes all frames of an upstream's read at its end, when a single stream writes", async () => {
    const { socket, outbox, reads } = await setUp();
    reads.begin();
    for (const frame of ["a", "b"]) outbox.push(frame, "read");
    expect(socket.writes).toEqual([]);
    reads.end();
    reads.begin();
    outbox.push("c", "turn");
    reads.end();
    outbox.push("d", "read");
    expect(socket.writes).toEqual(["\x81\x01a\x81\x01b"]);
    await endOfTurn();
    expect(socket.writes).toEqual(["\x81\x01a\x81\x01b", "\x81\x01c\x81\x01d"]);
  });

  test("is not writable while the socket buffers more than the gate, and reports once when it has drained", async () => {
    const { socket, outbox, drains } = await setUp();
    socket.isFull = true;
    outbox.push("x".repeat(600), "turn");
    expect(outbox.writable).toBe(true);
    outbox.push("y".repeat(600), "turn");
    expect(outbox.writable).toBe(false);
    expect(outbox.writable).toBe(false);
    // A reply must not wait for that.
    outbox.push("reply", "turn");
    await endOfTurn();
    expect(drains()).toBe(0);
    socket.empty();
    await endOfTurn();
    expect(outbox.writable).toBe(true);
    expect(drains()).toBe(1);
    expect(socket.writes.join("").replace(/(.)\1+/g, "$1")).toMatch(/x.*y.*reply$/s);
  });

  test("flushes to the kernel before it reports that it is not writable", async () => {
    const { socket, outbox, drains } = await setUp();
    for (let count = 0; count < 5; count++) {
      outbox.push("x".repeat(600), "turn");
      expect(outbox.writable).toBe(true);
    }
    await endOfTurn();
    expect(socket.writes.join("").replaceAll(/[^x]/g, "")).toHaveLength(3_000);
    expect(drains()).toBe(0);
  });

  test("drops frames after the close frame, and stays writable", async () => {
    const { socket, ws, outbox } = await setUp();
    ws.close(1000);
    outbox.push("too late", "turn");
    expect(outbox.writable).toBe(true);
    await endOfTurn();
    expect(socket.writes.join("")).not.toContain("too late");
    expect(outbox.frames).toBe(0);
  });
});

describe("a message arrives unchanged, whatever its content", () => {
  const LAST = "the last of them";
  let server: FaceServer;
  let client: WebSocket;
  let session: PlayedSession;

  beforeAll(async () => {
    server = await startFaceServer();
    client = new WebSocket(`${server.url.replace("http", "ws")}/played`, ["played"]);
    session = await server.session();
  });
  afterAll(async () => {
    client.terminate();
    await server.close();
  });

  const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];
  const texts = lengths.flatMap((length) => ["x".repeat(length), "é".repeat(length / 2), "💧".repeat(length / 4)]);

  test("at every length with a different head, in ASCII and beyond", async () => {
    expect(await received(texts)).toEqual(texts);
  });

  test("for any text", async () => {
    const text = fc.string({ unit: "binary", maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 20 }), async (any) => {
        expect(await received(any)).toEqual(any);
      }),
      { numRuns: 50 },
    );
  });

  /** What a ws client receives when the gateway sends these frames in one turn. */
  async function received(frames: readonly string[]): Promise<string[]> {
    const got: string[] = [];
    client.on("message", (data) => got.push(data.toString()));
    for (const frame of frames) session.connection.send(frame);
    session.connection.send(LAST);
    await new Promise<void>((all) => client.on("message", (data) => data.toString() === LAST && all()));
    client.removeAllListeners("message");
    return got.slice(0, -1);
  }
});

test("a client that sends a request and a close frame together gets a close frame, and nothing after it", async () => {
  await using server = await startFaceServer();
  using client = await RawWebSocket.connect(server.url, "/played", "played");
  const session = await server.session();
  const goodbye = { opcode: CLOSE, payload: Uint8Array.of(0x03, 0xe8) };
  client.write(Buffer.concat([frameBytes({ opcode: TEXT, payload: "echo last words" }), frameBytes(goodbye)]));
  expect(await client.closed).toBe(1000);
  expect(client.frames.at(-1)?.opcode).toBe(CLOSE);
  expect(client.frames.length).toBeLessThanOrEqual(2);
  await session.closed;
  expect(server.closings).toEqual([expect.objectContaining({ closeCode: 1000 })]);
});

test("a client that does not read makes the connection unwritable, and gets everything in order once it reads", async () => {
  await using server = await startFaceServer();
  using client = await RawWebSocket.connect(server.url, "/played", "played");
  const session = await server.session();
  const { connection } = session;
  client.socket.pause();
  const frames: string[] = [];
  const send = () => {
    const frame = `${frames.length} ${"x".repeat(50_000)}`;
    frames.push(frame);
    connection.send(frame);
    return connection.writable;
  };
  // The kernel's buffers take some megabytes first.
  while (send()) await endOfTurn();
  expect(connection.writable).toBe(false);
  client.socket.resume();
  await client.until(() => client.texts.length === frames.length);
  expect(client.texts).toEqual(frames);
  expect(connection.writable).toBe(true);
  await session.until(() => session.drains === 1);
});
