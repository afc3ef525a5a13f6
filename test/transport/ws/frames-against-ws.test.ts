import { type Duplex, duplexPair } from "node:stream";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { CODES } from "../../../protocol/codes.ts";
import { InboundBudget } from "../../../src/core/caller/inbound-budget.ts";
import { ReadTurn } from "../../../src/core/stream/read-turn.ts";
import { Inbound } from "../../../src/transport/admit/inbound.ts";
import { SocketConnection } from "../../../src/transport/ws/connection.ts";
import { anyFrame, goodbye, rightMessage } from "../../support/clients/any-frames.ts";
import { frameBytes } from "../../support/clients/raw-web-socket.ts";
import { requestOf } from "../../support/gateways/node-requests.ts";
import { noFault } from "../../support/relay/no-fault.ts";
import { observerOf } from "../../support/relay/observer.ts";

const MAX_BYTES = 1_200_000;
/** A message this large gets its own turns. */
const LARGE_BYTES = 1_100_000;
/** A frozen clock: no rate, pace or pulse runs out. */
const CLOCK = { now: () => 0, wall: () => 0 };
const LIMITS = {
  handshakeFrameBytes: 65_536,
  handshakeMs: 15_000,
  socketGateBytes: 65_536,
  inboundBytesPerSecond: 2 ** 40,
  framesPerSecond: 10_000,
  violationsPerMinute: 20,
  pingMs: 20_000,
  pongMs: 10_000,
};
const REQUEST = requestOf({
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==",
});

interface Answer {
  /** Texts passed to the face. */
  readonly messages: readonly string[];
  /** What the server wrote: pongs with their payload, a close with its code. */
  readonly said: readonly string[];
}

type Attach = (ws: WebSocket, socket: Duplex, heard: (text: string) => void) => void;

/** What `ws` alone does, except that binary messages are refused. */
const plain: Attach = (ws, _socket, heard) => {
  ws.on("error", () => {});
  ws.on("message", (data, isBinary) => {
    if (ws.readyState !== ws.OPEN) return;
    if (isBinary) ws.close(CODES.binary_frame.closeCode);
    else heard(data.toString());
  });
};

/** What a connection leaves reserved, and what it reported. */
const left = { faults: 0, bytes: () => 0 };

const ours: Attach = (ws, socket, heard) => {
  const budget = new InboundBudget({ maxBytes: 2 ** 30, maxBytesEach: 2 ** 30 });
  left.bytes = () => budget.usedBytes;
  const observer = observerOf({ fault: () => void left.faults++ });
  const session = { message: heard, drained() {}, closed() {}, goingAway() {} };
  new SocketConnection({
    reads: new ReadTurn(noFault),
    id: "c_1",
    ws,
    socket,
    face: {
      name: "played",
      scope: "streams",
      authentication: "header",
      maxFrameBytes: MAX_BYTES,
      maxUnreadBytes: 1_048_576,
      accept: () => session,
    },
    caller: { name: "tester" },
    upstreamKey: undefined,
    remoteAddress: "127.0.0.1",
    origin: undefined,
    limits: LIMITS,
    inbound: new Inbound({ callers: budget, strangers: budget, limits: LIMITS, clock: CLOCK }),
    clock: CLOCK,
    observer,
    known() {},
    closed() {},
  });
};

/** Each piece is its own read; after the last one the client disconnects. */
async function play(pieces: readonly Buffer[], attach: Attach): Promise<Answer> {
  const [client, socket] = duplexPair();
  const options: ServerOptions & { maxFragments: number; maxBufferedChunks: number } = {
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_BYTES,
    maxFragments: 0,
    maxBufferedChunks: 0,
  };
  const messages: string[] = [];
  const written: Buffer[] = [];
  client.on("data", (bytes: Buffer) => written.push(bytes)).on("error", () => {});
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    new WebSocketServer(options).handleUpgrade(REQUEST, socket, Buffer.alloc(0), (ws) => {
      ws.on("close", () => resolve());
      attach(ws, socket, (text) => messages.push(text));
    });
  });
  for (const piece of pieces) {
    // ws unmasks in place.
    client.write(Buffer.from(piece));
    await new Promise((turn) => setImmediate(turn));
  }
  client.end();
  await closed;
  const all = Buffer.concat(written);
  return { messages, said: said(all.subarray(all.indexOf("\r\n\r\n") + 4)) };
}

/** A server's control frames. */
function said(bytes: Buffer): string[] {
  const frames: string[] = [];
  for (let at = 0; at + 1 < bytes.length; ) {
    const [first = 0, length = 0] = bytes.subarray(at);
    const payload = bytes.subarray(at + 2, at + 2 + length);
    const isClose = (first & 15) === 8;
    frames.push(`${first & 15} ${isClose ? (length > 1 ? payload.readUInt16BE(0) : "") : payload.toString("latin1")}`);
    at += 2 + length;
  }
  return frames;
}

const conversation = fc.record({
  frames: fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: rightMessage(LARGE_BYTES) },
        anyFrame(MAX_BYTES, LARGE_BYTES).map((one) => [one]),
        goodbye,
      ),
      { maxLength: 9 },
    )
    .map((parts) => parts.flat()),
  cuts: fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 65_536 })), { maxLength: 40 }),
  /** The client disconnects this many bytes before the end. */
  missing: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(30)),
});

/** The most bytes one read of a socket returns. */
const READ_BYTES = 65_536;

/** Pieces of these lengths, none larger than a read. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + (lengths[pieces.length] ?? READ_BYTES));
    pieces.push(piece);
    at += piece.length;
  }
  return pieces;
}

/** The seed: the same cases in every run. */
const SEED = Number(process.env.FRAME_SEED ?? 20_261_128);
const RUNS = Number(process.env.FRAME_RUNS ?? 1_000);

test("any frames, however divided, are handled as `ws` alone handles them, and leave nothing reserved", async () => {
  let handedOver = 0;
  const codes = new Set<string>();
  left.faults = 0;
  await fc.assert(
    fc.asyncProperty(conversation, async ({ frames, cuts, missing }) => {
      const whole = Buffer.concat(
        frames.map(({ announced, filler, ...options }) => {
          const payload = Buffer.concat([Buffer.from(options.payload, "hex"), Buffer.alloc(filler, "x")]);
          return frameBytes({ ...options, payload, announcedBytes: announced ?? payload.length });
        }),
      );
      const bytes = whole.subarray(0, Math.max(0, whole.length - missing));
      const pieces = cut(bytes, cuts);
      const expected = await play(pieces, plain);
      const answer = await play(pieces, ours);
      expect(answer).toEqual(expected);
      expect(left.bytes()).toBe(0);
      expect(left.faults).toBe(0);
      handedOver += answer.messages.length;
      for (const frame of answer.said) if (frame.startsWith("8 ")) codes.add(frame);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  // Without enough of each kind the cases would prove nothing.
  expect(handedOver).toBeGreaterThan(1_000);
  expect([...codes]).toEqual(expect.arrayContaining(["8 1000", "8 1002", "8 1003", "8 1007", "8 1009"]));
});
