import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer as createSecureServer, type TLSSocket, type TlsOptions } from "node:tls";
import { describe, expect, test } from "@jest/globals";
import { startCall } from "../../support/clients/loopback-call.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { holdingProxy } from "../../support/network/holding-proxy.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";

const ONCE = { mayRetry: false };
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
const answer = (body: string, ...fields: string[]) =>
  `${HEAD}content-length: ${Buffer.byteLength(body)}\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n${body}`;

/** An upstream over TLS that answers each request as told; requests have to be short. */
async function secureUpstream(respond: (socket: TLSSocket, request: number) => void, options: TlsOptions = {}) {
  const sockets: TLSSocket[] = [];
  /** Of each connection: whether it resumed a session, and by which protocol. */
  const sessions: unknown[] = [];
  let requests = 0;
  const server = createSecureServer({ cert: CERTIFICATE, key: PRIVATE_KEY, ...options }, (socket) => {
    sockets.push(socket);
    sessions.push([socket.getProtocol(), socket.isSessionReused()]);
    socket.on("error", () => {}).on("data", () => respond(socket, ++requests));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port, sessions, [Symbol.asyncDispose]: close };
}

describe.each(WAYS)("connections over TLS, %s", (_way, openUpstream) => {
  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "of %s are used again, and new ones resume their session",
    async (version) => {
      const respond = (socket: TLSSocket, request: number) =>
        void socket.write(answer("data: é\n\n", request === 3 ? "connection: close" : "connection: keep-alive"));
      await using server = await secureUpstream(respond, { minVersion: version, maxVersion: version });
      await using client = openUpstream(`https://localhost:${server.port}`, { ca: CERTIFICATE });
      for (let call = 0; call < 5; call++) {
        const { sink } = startCall(client, ONCE);
        expect(await sink.done).toBeUndefined();
        expect(sink.data).toEqual(["é"]);
      }
      expect(server.sessions).toEqual([
        [version, false],
        [version, true],
      ]);
    },
  );

  test("give every event of a large answer to a call that pauses at each", async () => {
    const all = Array.from({ length: 200 }, (_, event) => `${event} ${"x".repeat(1000)}`);
    const body = all.map((data) => `data: ${data}\n\n`).join("");
    await using server = await secureUpstream((socket) => void socket.write(answer(body)));
    await using client = openUpstream(`https://localhost:${server.port}`, { ca: CERTIFICATE });
    const { call, sink } = startCall(client, ONCE);
    sink.onEvent = () => {
      call.pause();
      setImmediate(() => call.resume());
    };
    expect(await sink.done).toBeUndefined();
    expect(sink.data).toEqual(all);
  });

  test("that were ended together with an answer serve no other call, though it was paused", async () => {
    const body = `data: one\n\n:${" ".repeat(30_000)}\n\ndata: two\n\n`;
    let hold = () => {};
    await using server = await secureUpstream((socket, request) => {
      if (request > 1) socket.write(answer("data: next\n\n"));
      else {
        hold();
        socket.end(answer(body));
      }
    });
    await using proxy = await holdingProxy(server.port);
    hold = proxy.hold;
    await using client = openUpstream(`https://localhost:${proxy.port}`, { ca: CERTIFICATE, maxConnections: 1 });
    const { call, sink } = startCall(client, ONCE);
    sink.onEvent = () => {
      call.pause();
      setImmediate(() => call.resume());
    };
    const next = startCall(client, ONCE);
    expect(await sink.done).toBeUndefined();
    expect(sink.data).toEqual(["one", "two"]);
    expect(await next.sink.done).toBeUndefined();
    expect(next.sink.data).toEqual(["next"]);
    expect(server.sessions).toHaveLength(2);
  });
});
