import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "@jest/globals";
import type { HttpFace } from "../../../src/core/ports/http-face.ts";
import { BodyRates } from "../../../src/transport/admit/inbound-rate.ts";
import { SlowRequests } from "../../../src/transport/http/slow-requests.ts";
import { type FaceServerOptions, startFaceServer } from "../../support/gateways/face-server.ts";
import { LooseSocket, requestOf, responseTo } from "../../support/gateways/node-requests.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";

const MIB = 1_048_576;

/** A server whose face on `/x` answers with the length of a body of up to 4 MiB, or fails at one that ends with `!`. */
async function setUp(options: FaceServerOptions = {}) {
  const face: HttpFace = {
    name: "x",
    matches: (_, path) => path === "/x",
    handle(exchange) {
      exchange.body(4 * MIB, (body) => {
        if (body.endsWith("!")) throw new TypeError("a fault of the face");
        exchange.respond({ status: 200, headers: {}, body: String(body.length) });
      });
    },
  };
  const server = await startFaceServer({ ...options, httpFaces: [face] });
  const sockets: Socket[] = [];
  return {
    server,
    /** Sends a request's head and some bytes behind it, and nothing more. */
    begin(headers: string, bytes = "", caller = "tester"): Socket {
      const { hostname, port } = new URL(server.url);
      const socket = connect({ port: Number(port), host: hostname });
      sockets.push(socket);
      socket.on("error", () => {});
      socket.write(
        `POST /x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${caller}\r\n${headers}\r\n\r\n${bytes}`,
      );
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server.close();
    },
  };
}

const length = (bytes: number) => `content-length: ${bytes}\r\nconnection: close`;

describe("the inbound budget", () => {
  test("reserves a body's announced length until its face has received it", async () => {
    await using up = await setUp();
    const socket = up.begin(length(3 * MIB));
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    expect(up.server.callers.usedBytes).toBe(3 * MIB);
    socket.write("x".repeat(3 * MIB));
    expect(await text(socket)).toMatch(new RegExp(`\r\n\r\n${3 * MIB}$`));
    expect(up.server.callers.usedBytes).toBe(0);
    expect(up.server.took.map(({ caller }) => caller)).toEqual(["tester"]);
  });

  test("reserves a chunked body's buffer as it grows", async () => {
    await using up = await setUp();
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    const socket = up.begin("transfer-encoding: chunked\r\nconnection: close", "1\r\nx\r\n");
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    expect(up.server.callers.usedBytes).toBe(16_384);
    socket.write(chunk.repeat(4));
    await turnsUntil(() => up.server.callers.usedBytes >= 4 * 65_536);
    expect(up.server.callers.usedBytes).toBeLessThanOrEqual(8 * 65_536);
    socket.write("0\r\n\r\n");
    expect(await text(socket)).toMatch(/\r\n\r\n262145$/);
    expect(up.server.callers.usedBytes).toBe(0);
  });

  test("refuses with 503 and retry-after when it is used up by one caller; other callers are served", async () => {
    await using up = await setUp({ inboundBytes: 3 * MIB, inboundBytesEach: MIB });
    up.begin(length(900_000));
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    const refused = up.begin(length(900_000), "x");
    const [head] = await once(refused, "data");
    expect(String(head)).toMatch(/^HTTP\/1\.1 503 /);
    expect(String(head)).toMatch(/\r\nretry-after: 5\r\n/i);
    expect(await text(up.begin(length(900_000), "x".repeat(900_000), "other"))).toMatch(/\r\n\r\n900000$/);
    expect(up.server.refusals).toEqual([{ code: "overloaded", where: "x" }]);
  });
});

describe("a body", () => {
  test("that announces more than its face takes is refused at once, and discarded as it arrives", async () => {
    await using up = await setUp();
    const socket = up.begin(length(5 * MIB));
    const [head] = await once(socket, "data");
    expect(String(head)).toMatch(/^HTTP\/1\.1 413 /);
    expect(up.server.callers.usedBytes).toBe(0);
    socket.end("x".repeat(5 * MIB));
    await once(socket, "close");
  });

  test("that arrives too slowly is refused with 408 and connection: close", async () => {
    await using up = await setUp({ pace: { silenceMs: 40, bytesPerSecond: 1 }, lookMs: 10 });
    const answer = await text(up.begin("content-length: 1000", "x"));
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(answer).toContain("slow_sender");
    expect(up.server.refusals).toEqual([{ code: "slow_sender", where: "x" }]);
  });

  test("at the rate of a slow line is accepted, however long it takes", () => {
    let now = 0;
    let tooSlow = false;
    const pace = { silenceMs: 15_000, bytesPerSecond: 8 * 1024 };
    const requests = new SlowRequests({ pace, lingerMs: 15_000, now: () => now });
    const socket = new LooseSocket();
    const request = requestOf({ "content-length": "30000000" }, socket);
    requests.watch(
      request,
      responseTo(request, () => false),
    );
    requests.onTooSlow(request, () => {
      tooSlow = true;
    });
    // 1 Mbit/s: 30 MB in four minutes.
    for (; socket.bytesRead < 30_000_000; now += 1_000) {
      socket.receive(125_000);
      requests.look();
    }
    expect([tooSlow, now]).toEqual([false, 240_000]);
    for (let silence = 0; silence < 15; silence++) {
      now += 1_000;
      requests.look();
    }
    expect(tooSlow).toBe(true);
  });

  test("beyond what its caller may send in 16 seconds is refused with 429; other callers' are not", async () => {
    await using up = await setUp({ limits: { inboundBytesPerSecond: 1_000 } });
    // Two of the largest always pass.
    for (let count = 0; count < 2; count++) {
      expect(await text(up.begin(length(4 * MIB), "x".repeat(4 * MIB)))).toMatch(/^HTTP\/1\.1 200 /);
    }
    const [head] = await once(up.begin(length(MIB)), "data");
    expect(String(head)).toMatch(/^HTTP\/1\.1 429 /);
    expect(String(head)).toMatch(/\r\nretry-after: \d+\r\n/i);
    expect(await text(up.begin(length(MIB), "x".repeat(MIB), "other"))).toMatch(/^HTTP\/1\.1 200 /);
    expect(up.server.callers.usedBytes).toBe(0);
  });

  test("may arrive four times as fast as on one socket, since a caller can be many agents", () => {
    let now = 0;
    const rates = new BodyRates({ inboundBytesPerSecond: 1_000_000 }, { now: () => now, wall: () => now });
    const take = (bytes: number) => rates.take("team", bytes, 1_000_000);
    for (let count = 0; count < 64; count++) take(1_000_000);
    expect(() => take(2_000_000)).toThrow("too many bytes at once");
    now = 1_000;
    take(4_000_000);
    expect(() => take(2_000_000)).toThrow("too many bytes at once");
  });

  test("that continues after the response is discarded for 15 s, then its socket closed", () => {
    let now = 0;
    const slow = new SlowRequests({ pace: { silenceMs: 100, bytesPerSecond: 1 }, lingerMs: 100, now: () => now });
    const socket = new LooseSocket();
    const request = requestOf({ "content-length": "1000000" }, socket);
    let headersSent = false;
    slow.watch(
      request,
      responseTo(request, () => headersSent),
    );
    const look = (at: number) => {
      now = at;
      socket.receive(1_000);
      slow.look();
      return socket.destroyed;
    };
    expect(look(30)).toBe(false);
    headersSent = true;
    expect([look(60), look(90), look(120), look(150)]).toEqual([false, false, false, false]);
    expect(look(160)).toBe(true);
  });
});

/** Ways in which a body ends, each behind a half that came. */
const ENDINGS: Readonly<Record<string, readonly [FaceServerOptions, (socket: Socket) => void]>> = {
  "it is complete": [{}, (socket) => socket.write("x".repeat(2 * MIB - 1))],
  "its face fails": [{}, (socket) => socket.write(`${"x".repeat(2 * MIB - 2)}!`)],
  "its client goes in the middle": [{}, (socket) => socket.resetAndDestroy()],
  "its client hangs up in the middle": [{}, (socket) => socket.end()],
  "its client goes when it has sent all": [{}, (socket) => socket.end("x".repeat(2 * MIB - 1))],
  "it comes too slowly": [{ pace: { silenceMs: 40, bytesPerSecond: 1 }, lookMs: 10 }, () => {}],
  "it is no UTF-8": [{}, (socket) => socket.write(Buffer.alloc(2 * MIB - 1, 0xff))],
};

describe("no reservation remains when", () => {
  test.each(Object.entries(ENDINGS))("%s", async (_how, [options, end]) => {
    await using up = await setUp(options);
    const socket = up.begin(`content-length: ${2 * MIB}`, "x");
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    end(socket);
    await turnsUntil(() => up.server.callers.usedBytes === 0);
  });

  test.each([
    ["is too large", {}, 5 * MIB],
    ["finds no room", { inboundBytes: MIB }, 3 * MIB],
    ["comes too fast", { limits: { inboundBytesPerSecond: 1 } }, 100],
  ])("a body in chunks %s", async (_how, options, bytes) => {
    await using up = await setUp(options);
    if (bytes === 100) {
      for (let count = 0; count < 2; count++) await text(up.begin(length(4 * MIB), "x".repeat(4 * MIB)));
      bytes = MIB;
    }
    const socket = up.begin("transfer-encoding: chunked", `10000\r\n${"x".repeat(65_536)}\r\n`);
    socket.write(`${bytes.toString(16)}\r\n${"x".repeat(bytes)}`);
    const [head] = await once(socket, "data");
    expect(String(head)).toMatch(/^HTTP\/1\.1 (413|503|429) /);
    expect(up.server.callers.usedBytes).toBe(0);
  });

  test("the server stops", async () => {
    await using up = await setUp();
    up.begin(length(MIB), "x");
    await turnsUntil(() => up.server.callers.usedBytes > 0);
    await up.server.close();
    await turnsUntil(() => up.server.callers.usedBytes === 0);
  });
});

describe("an idle connection of a client", () => {
  const idle = async (options: FaceServerOptions) => {
    const up = await setUp(options);
    const socket = up.begin("content-length: 1", "x");
    const [answer] = await once(socket, "data");
    return { up, socket, answer: String(answer) };
  };

  test("stays open for 75 s by default, longer than load balancers keep theirs", async () => {
    const { up, answer } = await idle({});
    await using _ = up;
    expect(answer).toMatch(/\r\nkeep-alive: timeout=75\r\n/i);
  });

  test("is closed after keepAliveMs", async () => {
    const { up, socket, answer } = await idle({ keepAliveMs: 1_000 });
    await using _ = up;
    expect(answer).toMatch(/\r\nkeep-alive: timeout=1\r\n/i);
    await once(socket, "close");
  });

  test("is closed when a new client finds no socket left", async () => {
    const { up, socket } = await idle({ maxSockets: 1 });
    await using _ = up;
    const closed = once(socket, "close");
    up.begin(length(1), "x");
    await closed;
    expect(await text(up.begin(length(1), "x"))).toMatch(/^HTTP\/1\.1 200 /);
  });
});
