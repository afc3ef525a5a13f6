import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "@jest/globals";
import type { HttpExchange } from "../../../src/core/ports/http-face.ts";
import { upgrade } from "../../support/clients/upgrade.ts";
import { startFaceServer } from "../../support/gateways/face-server.ts";

const ask = (url: string, headers: Record<string, string> = {}, method = "GET") =>
  upgrade(url, { path: "/played", method, headers: { "sec-websocket-protocol": "played", ...headers } });

/** The response to these bytes, up to the end of the connection; the client never closes it first. */
async function raw(url: string, lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  socket.on("error", () => {});
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const answer = await text(socket);
  socket.destroy();
  return answer;
}

const GOOD = [
  "GET /played HTTP/1.1",
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
  "Sec-WebSocket-Protocol: played",
];
const changed = (header: string, line?: string) => {
  const rest = GOOD.filter((old) => !old.startsWith(header));
  return line === undefined ? rest : header === "GET" ? [line, ...rest] : [...rest, line];
};

describe("a malformed upgrade gets a response, and its socket is closed even if the client keeps it open", () => {
  test.each([
    ["POST", 405, changed("GET", "POST /played HTTP/1.1")],
    ["HTTP/1.0", 426, changed("GET", "GET /played HTTP/1.0")],
    ["another version of the protocol", 426, changed("Sec-WebSocket-Version", "Sec-WebSocket-Version: 12")],
    ["no version", 426, changed("Sec-WebSocket-Version")],
    ["no key", 400, changed("Sec-WebSocket-Key")],
    ["a key that is none", 400, changed("Sec-WebSocket-Key", "Sec-WebSocket-Key: short")],
    ["another protocol to upgrade to", 426, changed("Upgrade", "Upgrade: h2c\r\nConnection: close")],
    ["no subprotocol", 400, changed("Sec-WebSocket-Protocol")],
    ["a path without a face", 404, changed("GET", "GET /nowhere HTTP/1.1")],
    ["a path that is none", 404, changed("GET", "GET http://[ HTTP/1.1")],
  ])("%s: %i", async (_what, status, lines) => {
    await using server = await startFaceServer();
    expect(await raw(server.url, lines)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(server.connectionsByFace).toEqual(new Map([["played", 0]]));
  });

  test("an unsupported version gets the supported one", async () => {
    await using server = await startFaceServer();
    const answer = await ask(server.url, { "sec-websocket-version": "8" });
    expect([answer.status, answer.headers["sec-websocket-version"], answer.headers.upgrade]).toEqual([
      426,
      "13",
      "websocket",
    ]);
  });

  test("without Connection: upgrade it is a plain request, told that the path requires a WebSocket", async () => {
    await using server = await startFaceServer();
    const answer = await raw(server.url, changed("Connection", "Connection: close"));
    expect(answer).toMatch(/^HTTP\/1\.1 426 .*upgrade: websocket/s);
  });

  test("a client that does not close its socket does not delay the server's close", async () => {
    const server = await startFaceServer();
    const { hostname, port } = new URL(server.url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.write(`${changed("GET", "GET /nowhere HTTP/1.1").join("\r\n")}\r\n\r\n`);
    await new Promise((answered) => socket.once("data", answered));
    await server.close();
    socket.destroy();
  });
});

describe("an upgrade at the path of an HTTP face", () => {
  const httpFaces = [
    {
      name: "plain",
      matches: (method: string, path: string) => method === "POST" && path === "/plain",
      handle: (exchange: HttpExchange) => exchange.respond({ status: 200, headers: {}, body: "served" }),
    },
  ];

  test("gets 426, which names HTTP as the protocol to use", async () => {
    await using server = await startFaceServer({ httpFaces });
    const answer = await raw(server.url, changed("GET", "GET /plain HTTP/1.1"));
    expect(answer).toMatch(/^HTTP\/1\.1 426 .*\r\nupgrade: HTTP\/1\.1\r\n.*\r\nconnection: upgrade, close\r\n/s);
    expect(answer).toContain("this path speaks HTTP, not WebSocket");
    expect(server.refusals).toEqual([{ code: "unsupported", where: "upgrade" }]);
  });

  test("to a protocol other than WebSocket is ignored, and the request served", async () => {
    await using server = await startFaceServer({ httpFaces });
    const lines = ["POST /plain HTTP/1.1", "Host: localhost", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"];
    const { hostname, port } = new URL(server.url);
    const socket = connect({ port: Number(port), host: hostname });
    socket.write(`${[...lines, "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"].join("\r\n")}\r\n\r\n`);
    const [bytes] = await once(socket, "data");
    expect(String(bytes)).toMatch(/^HTTP\/1\.1 200 .*served$/s);
    socket.destroy();
  });
});

describe("refused clients", () => {
  const setUp = () => startFaceServer({ token: "the-right-token" });
  const authorization = "Bearer the-right-token";

  test.each([
    ["host_not_allowed", 403, { authorization, host: "evil.com" }],
    ["origin_not_allowed", 403, { authorization, origin: "https://evil.com" }],
    ["origin_not_allowed", 403, { authorization, origin: "null" }],
    ["unauthorized", 401, {}],
    ["unauthorized", 401, { authorization: "Bearer wrong" }],
    ["unauthorized", 401, { authorization: "Bearer the-right-token-and-more" }],
  ])("%s: %i, before any WebSocket, and counted", async (code, status, headers) => {
    await using server = await setUp();
    const answer = await ask(server.url, headers as Record<string, string>);
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([status, code]);
    expect(server.refusals).toEqual([{ code, where: "upgrade" }]);
    expect(server.closings).toEqual([]);
  });

  test("a wrong token, a short one and none get the same response, byte for byte", async () => {
    await using server = await setUp();
    const answers = await Promise.all(
      [{}, { authorization: "Bearer wrong" }, { authorization: "Bearer x" }, { authorization: "nonsense" }].map(
        async (headers: Record<string, string>) => {
          const answer = await ask(server.url, headers);
          return [answer.status, answer.headers, answer.body];
        },
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  test("the gateway's own origin, a listed one, and none are accepted with the token", async () => {
    await using server = await setUp();
    for (const headers of [{}, { origin: server.url }, { origin: "https://chat.example.com" }]) {
      const answer = await ask(server.url, { authorization, ...headers });
      expect(answer.status).toBe(101);
      answer.socket?.destroy();
    }
  });
});

describe("an accepted upgrade", () => {
  test("declines compression, whatever is offered, and selects only the face's subprotocol", async () => {
    await using server = await startFaceServer();
    const answer = await ask(server.url, {
      "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
      "sec-websocket-protocol": "base64url.bearer.sluice.eA, played",
    });
    expect(answer.status).toBe(101);
    expect(answer.headers["sec-websocket-extensions"]).toBeUndefined();
    expect(answer.headers["sec-websocket-protocol"]).toBe("played");
    answer.socket?.destroy();
  });

  test("is reported as closed before the server has closed", async () => {
    const server = await startFaceServer();
    const answer = await ask(server.url);
    await server.session();
    await server.close();
    expect(server.closings).toMatchObject([{ face: "played", closeCode: 1012 }]);
    answer.socket?.destroy();
  });

  test("whose face fails is closed and reported; the server continues", async () => {
    await using server = await startFaceServer({ acceptFails: true });
    const answer = await ask(server.url);
    await new Promise((closed) => answer.socket?.on("close", closed).resume());
    expect(server.faults[0]).toBeInstanceOf(TypeError);
    expect(server.connectionsByFace).toEqual(new Map([["played", 0]]));
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

describe("the number of connections", () => {
  test("sockets from one address beyond the limit get 503 until one leaves", async () => {
    await using server = await startFaceServer({ limits: { connectionsPerAddress: 2 } });
    const first = await ask(server.url);
    const session = await server.session();
    const second = await ask(server.url);
    const third = await ask(server.url);
    expect([first.status, second.status, third.status]).toEqual([101, 101, 503]);
    expect(third.headers["retry-after"]).toBe("1");
    expect(JSON.parse(third.body).error).toMatchObject({ code: "overloaded", retryable: true });
    first.socket?.destroy();
    await session.closed;
    const fourth = await ask(server.url);
    expect(fourth.status).toBe(101);
    second.socket?.destroy();
    fourth.socket?.destroy();
  });

  test("sockets in the whole gateway beyond the limit get 503 too", async () => {
    await using server = await startFaceServer({ limits: { connections: 1 } });
    const first = await ask(server.url);
    expect((await ask(server.url)).status).toBe(503);
    first.socket?.destroy();
  });

  test("of 1,000 at once 200 are accepted; the others, returning when told to, are all accepted within 30 s", async () => {
    const time = { ms: 0 };
    const clock = { now: () => time.ms, wall: () => time.ms };
    await using server = await startFaceServer({
      clock,
      limits: { upgradesPerSecond: 200, connectionsPerAddress: 2_000 },
    });
    const live = await ask(server.url);
    const session = await server.session();
    time.ms = 1_000;
    const sockets = [live.socket];
    const due = new Map([[time.ms, 1_000]]);
    const refused: number[] = [];
    while (due.size > 0) {
      time.ms = Math.min(...due.keys());
      const arriving = due.get(time.ms) ?? 0;
      due.delete(time.ms);
      const answers = await all(arriving, () => ask(server.url));
      // Connected clients are served meanwhile.
      session.connection.send("still here");
      await new Promise((said) => live.socket?.once("data", said));
      sockets.push(...answers.map(({ socket }) => socket));
      const away = answers.filter(({ status }) => status === 503);
      refused.push(away.length);
      for (const { headers } of away) {
        const at = time.ms + Number(headers["retry-after"]) * 1_000;
        due.set(at, (due.get(at) ?? 0) + 1);
      }
    }
    expect(refused[0]).toBe(800);
    expect(sockets.filter((socket) => socket !== undefined)).toHaveLength(1_001);
    expect(time.ms).toBeLessThan(30_000);
    // Their retry-after is spread over five seconds, starting a second from now.
    expect(refused.length).toBeGreaterThan(5);
    for (const socket of sockets) socket?.destroy();
  });
});

/** Runs this many, at most 100 at a time. */
async function all<T>(count: number, one: () => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  while (done.length < count) {
    done.push(...(await Promise.all(Array.from({ length: Math.min(100, count - done.length) }, one))));
  }
  return done;
}
