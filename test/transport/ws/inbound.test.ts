import { describe, expect, test } from "@jest/globals";
import { CLOSE, CONTINUATION, frameBytes, PING, RawWebSocket, TEXT } from "../../support/clients/raw-web-socket.ts";
import { type FaceServerOptions, startFaceServer } from "../../support/gateways/face-server.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";

const MIB = 1_048_576;

async function setUp(options: FaceServerOptions = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startFaceServer(options));
  const client = stack.use(await RawWebSocket.connect(server.url, "/played", "played"));
  const session = await server.session();
  /** Another caller's socket. */
  const other = async () => {
    const headers = { authorization: "Bearer other" };
    return stack.use(await RawWebSocket.connect(server.url, "/played", "played", headers));
  };
  return { server, client, session, other, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const textOf = (bytes: number): string => "0123456789abcdef".repeat(Math.ceil(bytes / 16)).slice(0, bytes);

/** A message in fragments of this many bytes. */
function fragments(message: string, bytes: number): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < message.length; at += bytes) {
    const fin = at + bytes >= message.length;
    const payload = message.slice(at, at + bytes);
    frames.push(frameBytes({ opcode: at === 0 ? TEXT : CONTINUATION, payload, fin, mask: [1, 2, 3, 4] }));
  }
  return frames;
}

/** Writes pieces of this many bytes, each in its own segment unless the network joins them. */
async function writeIn(client: RawWebSocket, bytes: Buffer, pieceBytes: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    client.write(bytes.subarray(at, at + pieceBytes));
    if ((at / pieceBytes) % 8 === 0) await new Promise((turn) => setImmediate(turn));
  }
}

describe("a message of any size within its face's limit is accepted", () => {
  const LARGE = 25 * MIB;
  test.each([
    ["25 MiB in segments of 1,400 bytes", LARGE, LARGE, 1_400],
    ["25 MiB in Chromium's fragments of 131,000 bytes", LARGE, 131_000, 65_536],
    ["25 MiB in Java's fragments of 16 KiB", LARGE, 16_384, 65_536],
    ["20,000 bytes in fragments of one byte", 20_000, 1, 65_536],
    ["20,000 bytes in segments of one byte", 20_000, 20_000, 1],
    ["20,000 bytes in fragments of one byte, in segments of three", 20_000, 1, 3],
  ])("%s", async (_what, bytes, fragmentBytes, pieceBytes) => {
    await using up = await setUp({ maxFrameBytes: LARGE });
    const message = textOf(bytes);
    await writeIn(up.client, Buffer.concat(fragments(message, fragmentBytes)), pieceBytes);
    await up.session.until(() => up.session.messages.length > 0);
    expect(up.session.messages[0] === message).toBe(true);
    expect(up.server.callers.usedBytes).toBe(0);
    expect(up.server.refusals).toEqual([]);
  });

  test("with pings between its fragments, which get pongs", async () => {
    await using up = await setUp();
    const [first, ...rest] = fragments("hello", 1);
    up.client.write(first ?? "");
    up.client.send({ opcode: PING, payload: "are you there" });
    await up.client.until(() => up.client.frames.length > 0);
    expect(up.client.frames[0]?.payload.toString()).toBe("are you there");
    up.client.write(Buffer.concat(rest));
    await up.session.until(() => up.session.messages.length > 0);
    expect(up.session.messages).toEqual(["hello"]);
  });

  test("large and small ones in the order they were sent", async () => {
    await using up = await setUp({ maxFrameBytes: 4 * MIB });
    const messages = [textOf(3 * MIB), "a", "b", textOf(2 * MIB), "c"];
    up.client.write(Buffer.concat(messages.flatMap((message) => fragments(message, 4 * MIB))));
    await up.session.until(() => up.session.messages.length === messages.length);
    expect(up.session.messages.map((message) => message.length)).toEqual(messages.map(({ length }) => length));
    up.client.send({ opcode: TEXT, payload: "echo still here" });
    await up.client.until(() => up.client.texts.length > 0);
    expect(up.server.callers.usedBytes).toBe(0);
  });
});

test("a large message is handled even when a close frame follows at once", async () => {
  await using up = await setUp({ maxFrameBytes: 4 * MIB });
  const message = textOf(2 * MIB);
  const goodbye = frameBytes({ opcode: CLOSE, payload: Buffer.from([3, 232]) });
  up.client.write(Buffer.concat([frameBytes({ opcode: TEXT, payload: message }), goodbye]));
  expect(await up.client.closed).toBe(1000);
  expect(up.session.messages).toEqual([message]);
});

test("a message right after the authenticating one may be as large as its face allows", async () => {
  await using up = await setUp({ authentication: "frame", limits: { handshakeFrameBytes: 1_000 } });
  const message = textOf(5_000);
  const bytes = Buffer.concat(["let me in", message].map((payload) => frameBytes({ opcode: TEXT, payload })));
  up.client.write(bytes.subarray(0, 500));
  await up.session.until(() => up.session.messages.length > 0);
  up.client.write(bytes.subarray(500));
  await up.session.until(() => up.session.messages.length > 1);
  expect(up.session.messages).toEqual(["let me in", message]);
});

test.each([
  [20, undefined],
  [21, 1008],
])(
  "of %i pings in one read, each is answered up to what may come at once; more are refused with their code",
  async (count, code) => {
    await using up = await setUp({ clock: { now: () => 0, wall: () => 0 } });
    up.client.write(Buffer.concat(Array(count).fill(frameBytes({ opcode: PING, payload: "p" }))));
    if (code === undefined) await up.client.until(() => up.client.frames.length === count);
    else expect(await up.client.closed).toBe(code);
    expect(up.server.refusals).toEqual(code === undefined ? [] : [{ code: "rate_limited", where: "played" }]);
  },
);

describe("a message larger than its face allows", () => {
  test.each([
    ["by the length its head announces", [frameBytes({ opcode: TEXT, announcedBytes: 1_001 })]],
    [
      "by the sum of its fragments",
      [
        frameBytes({ opcode: TEXT, payload: "x".repeat(900), fin: false }),
        frameBytes({ opcode: 0, announcedBytes: 101 }),
      ],
    ],
    ["however large it says it is", [frameBytes({ opcode: TEXT, announcedBytes: 2 ** 52 })]],
  ])("closes the connection %s: 1009, with the code as its reason and in the log", async (_what, frames) => {
    await using up = await setUp({ maxFrameBytes: 1_000 });
    up.client.write(frameBytes({ opcode: TEXT, payload: "before" }));
    up.client.write(Buffer.concat(frames));
    expect(await up.client.closed).toBe(1009);
    expect(up.client.closeReason).toBe("frame_too_large");
    expect(await up.session.closed).toBe("frame_too_large");
    expect(up.session.messages).toEqual(["before"]);
    expect(up.server.refusals).toEqual([{ code: "frame_too_large", where: "played" }]);
    expect(up.server.callers.usedBytes).toBe(0);
  });
});

const unfinished = (payload: string, announcedBytes: number) => frameBytes({ opcode: TEXT, payload, announcedBytes });

describe("a frame's head", () => {
  test("is refused by its first two bytes, without waiting for the rest", async () => {
    await using up = await setUp();
    up.client.write(frameBytes({ opcode: TEXT, rsv: 4 }).subarray(0, 2));
    expect(await up.client.closed).toBe(1002);
  });

  test("is refused only after a fault of the frame before it", async () => {
    await using up = await setUp({ maxFrameBytes: 1_000 });
    const bad = frameBytes({ opcode: TEXT, payload: Buffer.from([0x80]) });
    up.client.write(Buffer.concat([bad, frameBytes({ opcode: TEXT, announcedBytes: 1_001 })]));
    expect(await up.client.closed).toBe(1007);
    expect(up.server.refusals).toEqual([]);
  });
});

describe("the inbound budget", () => {
  test("counts a message by its announced length, from its head until it is handled", async () => {
    await using up = await setUp();
    const bytes = frameBytes({ opcode: TEXT, payload: "x".repeat(100_000) });
    up.client.write(bytes.subarray(0, 14));
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    expect(up.server.callers.usedBytes).toBe(100_000 + 512);
    up.client.write(bytes.subarray(14));
    await up.session.until(() => up.session.messages.length > 0);
    expect(up.server.callers.usedBytes).toBe(0);
  });

  test("when full closes the connection with 1013, and other callers are unaffected", async () => {
    await using up = await setUp({ inboundBytes: 200_000, inboundBytesEach: 100_000 });
    using other = await up.other();
    const session = await up.server.session();
    up.client.write(unfinished("x", 90_000));
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    using second = await RawWebSocket.connect(up.server.url, "/played", "played");
    second.write(unfinished("x", 90_000));
    expect(await second.closed).toBe(1013);
    expect(second.closeReason).toBe("overloaded");
    expect(up.server.refusals).toEqual([{ code: "overloaded", where: "played" }]);
    for (const frame of fragments(textOf(90_000), 30_000)) other.write(frame);
    await session.until(() => session.messages.length > 0);
  });

  test("counts fragments at their cost: a message in single bytes takes no more memory than others", async () => {
    await using up = await setUp({ inboundBytes: MIB });
    up.client.send({ opcode: TEXT, payload: "x", fin: false });
    const frames = Buffer.concat(Array(3_000).fill(frameBytes({ opcode: CONTINUATION, payload: "x", fin: false })));
    up.client.write(frames);
    expect(await up.client.closed).toBe(1013);
  });

  test("does not apply to messages within one read: acks pass while it is full", async () => {
    await using up = await setUp({ inboundBytes: 1_000 });
    using second = await RawWebSocket.connect(up.server.url, "/played", "played");
    second.write(unfinished("x", 400));
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    up.client.send({ opcode: TEXT, payload: "x".repeat(900) });
    await up.session.until(() => up.session.messages.length > 0);
  });

  test("is separate for unauthenticated clients, which take no room from callers", async () => {
    await using up = await setUp({ authentication: "frame", strangerBytes: 1_000, inboundBytes: 100_000 });
    up.client.write(unfinished("x", 400));
    await turnsUntil(() => up.server.strangers.usedBytes > 0);
    expect(up.server.callers.usedBytes).toBe(0);
    using second = await RawWebSocket.connect(up.server.url, "/played", "played");
    second.write(unfinished("x", 400));
    expect(await second.closed).toBe(1013);
  });
});

describe("an unfinished message", () => {
  test("that arrives too slowly closes the connection with 4031", async () => {
    await using up = await setUp({ limits: { pongMs: 100 }, pace: { silenceMs: 50, bytesPerSecond: 1 } });
    up.client.write(unfinished("x", 1_000));
    expect(await up.client.closed).toBe(4031);
    expect(up.client.closeReason).toBe("slow_sender");
    expect(up.server.refusals).toEqual([{ code: "slow_sender", where: "played" }]);
  });

  test("counts towards the bytes a client may send per second", async () => {
    await using up = await setUp({ maxFrameBytes: 10_000, limits: { inboundBytesPerSecond: 1 } });
    for (let count = 0; count < 2; count++) up.client.send({ opcode: TEXT, payload: "x".repeat(10_000) });
    await up.session.until(() => up.session.messages.length === 2);
    up.client.write(unfinished("x".repeat(900), 10_000));
    expect(await up.client.closed).toBe(4029);
  });
});

test("a message's time is charged to its caller, however it ends; an unauthenticated client's to none", async () => {
  let now = 0;
  // Each reading of the clock is 1 ms later.
  const clock = { now: () => now++, wall: () => 0 };
  await using up = await setUp({ authentication: "frame", clock });
  up.client.send({ opcode: TEXT, payload: "who are you" });
  up.client.send({ opcode: TEXT, payload: "let me in" });
  up.client.send({ opcode: TEXT, payload: "hello" });
  up.client.send({ opcode: TEXT, payload: "fault" });
  await up.session.closed;
  const one = { caller: "tester", ms: 1 };
  expect(up.server.took.slice(0, 2)).toEqual([one, one]);
  expect(up.server.took.map(({ caller }) => caller)).toEqual(["tester", "tester", "tester"]);
});

/** Ways for the connection to end, each after half a frame. */
const ENDINGS: Readonly<Record<string, readonly [FaceServerOptions, (client: RawWebSocket) => void]>> = {
  "it is complete": [{}, (client) => client.write("x".repeat(3_000))],
  "its client goes in the middle": [{}, (client) => client.socket.destroy()],
  "its client hangs up in the middle": [{}, (client) => client.socket.end()],
  "it comes too slowly": [{ limits: { pongMs: 100 }, pace: { silenceMs: 50, bytesPerSecond: 1 } }, () => {}],
  "its client does not answer pings": [{ limits: { pingMs: 20, pongMs: 20 } }, () => {}],
  "what follows is too large": [
    {},
    (client) => client.write(Buffer.concat([Buffer.alloc(3_000), frameBytes({ opcode: 0, announcedBytes: MIB })])),
  ],
  "what follows is against the protocol": [
    {},
    (client) => client.write(Buffer.concat([Buffer.alloc(3_000), frameBytes({ opcode: TEXT, payload: "x" })])),
  ],
  "what follows finds no room": [
    { inboundBytes: 10_000 },
    (client) => client.write(Buffer.concat([Buffer.alloc(3_000), frameBytes({ opcode: 0, announcedBytes: 9_000 })])),
  ],
  "bytes come too fast": [
    { maxFrameBytes: 10_000, limits: { inboundBytesPerSecond: 1 } },
    (client) => client.write(Buffer.alloc(30_000)),
  ],
};

describe("nothing stays reserved when", () => {
  test.each(Object.entries(ENDINGS))("%s", async (how, [options, end]) => {
    await using up = await setUp(options);
    const fin = !how.startsWith("what follows");
    up.client.write(frameBytes({ opcode: TEXT, payload: "x".repeat(1_000), announcedBytes: 4_000, fin }));
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    end(up.client);
    await turnsUntil(() => up.server.callers.usedBytes === 0);
    expect(up.server.faults).toEqual([]);
  });

  test("the server stops", async () => {
    await using up = await setUp();
    up.client.write(unfinished("x", 4_000));
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    await up.server.close();
    expect(up.server.callers.usedBytes).toBe(0);
  });

  test("a face fails on a large message, or its client disconnects before its turn", async () => {
    await using up = await setUp({ maxFrameBytes: 4 * MIB });
    using second = await RawWebSocket.connect(up.server.url, "/played", "played");
    const session = await up.server.session();
    up.client.write(frameBytes({ opcode: TEXT, payload: "fault".padEnd(2 * MIB) }));
    second.write(frameBytes({ opcode: TEXT, payload: textOf(2 * MIB) }));
    await turnsUntil(() => up.server.callers.usedBytes > 2 * MIB);
    second.socket.destroy();
    await session.closed;
    await turnsUntil(() => up.server.callers.usedBytes === 0);
  });
});
