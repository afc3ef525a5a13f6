import { describe, expect, test } from "@jest/globals";
import {
  BINARY,
  CONTINUATION,
  type FrameOptions,
  frameBytes,
  PING,
  PONG,
  RawWebSocket,
  TEXT,
} from "../../support/clients/raw-web-socket.ts";
import { type FaceServerOptions, startFaceServer } from "../../support/gateways/face-server.ts";

/** A server, a raw client, and the face's end of its connection. */
async function setUp(options: FaceServerOptions = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startFaceServer(options));
  const client = stack.use(await RawWebSocket.connect(server.url, "/played", "played"));
  const session = await server.session();
  return { server, client, session, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("a frame that violates RFC 6455 closes the connection", () => {
  const wrong: readonly (readonly [string, number, FrameOptions])[] = [
    ["text that is not UTF-8", 1007, { opcode: TEXT, payload: Uint8Array.of(0x68, 0xff) }],
    ["a frame without a mask", 1002, { opcode: TEXT, payload: "hi", masked: false }],
    ["a reserved bit", 1002, { opcode: TEXT, payload: "hi", rsv: 4 }],
    ["compression that was not agreed on", 1002, { opcode: TEXT, payload: "hi", rsv: 1 }],
    ["a reserved opcode", 1002, { opcode: 0x3, payload: "hi" }],
    ["a ping in fragments", 1002, { opcode: PING, fin: false }],
    ["a continuation of nothing", 1002, { opcode: CONTINUATION, payload: "hi" }],
    ["a close frame with a code that is none", 1002, { opcode: 0x8, payload: Uint8Array.of(0x03, 0xed) }],
  ];
  test.each(wrong)("%s: %i", async (_what, code, frame) => {
    await using up = await setUp();
    up.client.send(frame);
    expect(await up.client.closed).toBe(code);
    expect(await up.session.closed).toBe("client_gone");
    expect(up.session.messages).toEqual([]);
  });
});

describe("limits of one connection", () => {
  test("a binary message closes it with 1003", async () => {
    await using up = await setUp();
    up.client.send({ opcode: BINARY, payload: "{}" });
    expect(await up.client.closed).toBe(1003);
    expect(up.server.refusals).toEqual([{ code: "binary_frame", where: "played" }]);
  });

  test("a message larger than its face allows closes it with 1009, by its head alone", async () => {
    await using up = await setUp({ maxFrameBytes: 1_000 });
    up.client.write(frameBytes({ opcode: TEXT, payload: "x".repeat(1_001) }).subarray(0, 8));
    expect(await up.client.closed).toBe(1009);
  });

  test("pings faster than ten per second close it with 1008 after 20, which got pongs", async () => {
    await using up = await setUp();
    let sent = 0;
    const ping = async () => {
      up.client.send({ opcode: PING, payload: String(++sent) });
      await up.client.until(() => up.client.frames.length === sent);
    };
    while (sent < 20) await ping();
    expect(up.client.frames.map(({ payload }) => payload.toString())).toEqual(
      [...Array(20).keys()].map((at) => String(at + 1)),
    );
    await expect(async () => {
      // So many that a slow machine sends some in one second.
      while (sent < 1_000) await ping();
    }).rejects.toThrow("the socket is gone");
    expect(await up.client.closed).toBe(1008);
    expect(up.server.refusals).toContainEqual({ code: "rate_limited", where: "played" });
  });

  test("unsolicited pongs close it with 1008 too", async () => {
    await using up = await setUp();
    up.client.write(Buffer.concat(Array.from({ length: 21 }, () => frameBytes({ opcode: PONG }))));
    expect(await up.client.closed).toBe(1008);
    expect(up.server.refusals).toContainEqual({ code: "rate_limited", where: "played" });
  });

  test("more pings in one read than a burst allows close it with 1008", async () => {
    await using up = await setUp();
    up.client.write(Buffer.concat(Array.from({ length: 1_000 }, () => frameBytes({ opcode: PING }))));
    expect(await up.client.closed).toBe(1008);
    // Twenty in the burst, the excess one, some for the time that passed, and the close frame.
    expect(up.client.frames.length).toBeLessThanOrEqual(25);
  });

  test("messages beyond five seconds' worth at once close it with 4029", async () => {
    await using up = await setUp({ limits: { framesPerSecond: 4 } });
    const messages = (count: number) =>
      Buffer.concat(Array.from({ length: count }, () => frameBytes({ opcode: TEXT, payload: "x" })));
    up.client.write(messages(20));
    await up.session.until(() => up.session.messages.length === 20);
    // So many that a stall of a minute would not let them through.
    up.client.write(messages(300));
    expect(await up.client.closed).toBe(4029);
    expect(up.session.messages.length).toBeLessThan(320);
  });

  test("bytes beyond 16 seconds' worth at once close it with 4029", async () => {
    await using up = await setUp({ maxFrameBytes: 1_000, limits: { inboundBytesPerSecond: 1_000 } });
    const frames = (count: number) =>
      Buffer.concat(Array.from({ length: count }, () => frameBytes({ opcode: TEXT, payload: "x".repeat(1_000) })));
    up.client.write(frames(16));
    await up.session.until(() => up.session.messages.length === 16);
    // So many that a stall of a minute would not let them through.
    up.client.write(frames(100));
    expect(await up.client.closed).toBe(4029);
    expect(up.session.messages.length).toBeLessThan(116);
    expect(up.server.refusals).toEqual([{ code: "rate_limited", where: "played" }]);
  });

  test("two of the largest messages always pass", async () => {
    await using up = await setUp({ maxFrameBytes: 50_000, limits: { inboundBytesPerSecond: 1 } });
    for (let count = 0; count < 2; count++) up.client.send({ opcode: TEXT, payload: "x".repeat(50_000) });
    await up.session.until(() => up.session.messages.length === 2);
  });

  test("invalid frames beyond the limit of a minute close it with 4508", async () => {
    await using up = await setUp({ limits: { violationsPerMinute: 3 } });
    for (let count = 0; count < 3; count++) up.client.send({ opcode: TEXT, payload: "bad" });
    up.client.send({ opcode: TEXT, payload: "echo still here" });
    await up.client.until(() => up.client.texts.length > 0);
    up.client.send({ opcode: TEXT, payload: "bad" });
    expect(await up.client.closed).toBe(4508);
  });
});

describe("before a client is authenticated", () => {
  test("silence for handshakeMs closes the connection with 4008", async () => {
    await using up = await setUp({ authentication: "frame", limits: { handshakeMs: 20 } });
    expect(await up.client.closed).toBe(4008);
    expect(up.server.refusals).toEqual([{ code: "handshake_timeout", where: "played" }]);
  });

  test("pings and pongs do not extend it", async () => {
    await using up = await setUp({ authentication: "frame", limits: { handshakeMs: 50 } });
    const pings = setInterval(() => up.client.send({ opcode: PING }), 20);
    expect(await up.client.closed).toBe(4008);
    clearInterval(pings);
  });

  test("more bytes than handshakeFrameBytes close it with 1009 before the frame is complete", async () => {
    await using up = await setUp({ authentication: "frame", limits: { handshakeFrameBytes: 1_000 } });
    up.client.write(frameBytes({ opcode: TEXT, payload: "x".repeat(60_000) }).subarray(0, 1_100));
    expect(await up.client.closed).toBe(1009);
    expect(up.session.messages).toEqual([]);
  });

  test("small frames add up", async () => {
    await using up = await setUp({ authentication: "frame", limits: { handshakeFrameBytes: 1_000 } });
    for (let count = 0; count < 11; count++) up.client.send({ opcode: TEXT, payload: "x".repeat(100) });
    expect(await up.client.closed).toBe(1009);
  });

  test("neither limit applies afterwards", async () => {
    // A busy machine has time to read the first frame.
    const handshakeMs = 2_000;
    await using up = await setUp({ authentication: "frame", limits: { handshakeMs, handshakeFrameBytes: 1_000 } });
    up.client.send({ opcode: TEXT, payload: "let me in" });
    await up.session.until(() => up.session.messages.length === 1);
    up.client.send({ opcode: TEXT, payload: "x".repeat(5_000) });
    // Later than the deadline would have been: timers run in order.
    await new Promise((later) => setTimeout(later, handshakeMs + 10));
    up.client.send({ opcode: TEXT, payload: "echo still here" });
    await up.client.until(() => up.client.texts.length > 0);
    expect(up.client.texts).toEqual(["still here"]);
  });
});

describe("a fault of a face", () => {
  test("ends its connection with 1011 and is reported; other connections continue", async () => {
    await using up = await setUp();
    using other = await RawWebSocket.connect(up.server.url, "/played", "played");
    up.client.send({ opcode: TEXT, payload: "fault" });
    expect(await up.client.closed).toBe(1011);
    expect(await up.session.closed).toBe("internal");
    expect(up.server.faults).toEqual([expect.any(TypeError)]);
    other.send({ opcode: TEXT, payload: "echo still here" });
    await other.until(() => other.texts.length > 0);
    expect(other.texts).toEqual(["still here"]);
  });
});
