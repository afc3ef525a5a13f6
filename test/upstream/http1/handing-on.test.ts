import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createSecureServer } from "node:tls";
import { describe, expect, test } from "@jest/globals";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { type OpenUpstream, WAYS } from "../../support/jest/ways.ts";
import { holdingProxy } from "../../support/network/holding-proxy.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const ONCE = { mayRetry: false };

/** A whole answer with one event, of so many bytes if they are more than it needs. */
function answer(data: string, bytes = 0): string {
  const sized = (body: string) =>
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${String(body.length).padStart(9, "0")}\r\n\r\n${body}`;
  const event = `data: ${data}\n\n`;
  return sized(event + " ".repeat(Math.max(0, bytes - sized(event).length)));
}

interface RawUpstream extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly connections: number;
}

/** Answers each request as told; requests have to be short. */
async function rawUpstream(
  over: "plain" | "TLS",
  respond: (socket: Socket, request: number) => void,
): Promise<RawUpstream> {
  const sockets: Socket[] = [];
  let requests = 0;
  const serve = (socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => {}).on("data", () => respond(socket, ++requests));
  };
  const server =
    over === "TLS" ? createSecureServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, serve) : createServer(serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: over === "TLS" ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    get connections() {
      return sockets.length;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const atLimit = (openUpstream: OpenUpstream, url: string, maxConnections = 1) =>
  openUpstream(url, { ca: CERTIFICATE, maxConnections });

describe.each(WAYS)(
  "a finished connection is handed on one turn later: bytes behind its answer are no other call's answer, %s",
  (_way, openUpstream) => {
    // A read of a plain socket brings 64 KiB at most, one of a TLS socket what is in a record: 16 KiB at most.
    test.each([
      ["plain", 65_536],
      ["plain", 131_072],
      ["TLS", 16_384],
      ["TLS", 65_536],
    ] as const)("over %s, though the answer ends with a read, at byte %i", async (over, bytes) => {
      await using upstream = await rawUpstream(over, (socket, request) => {
        socket.write(request === 1 ? answer("one", bytes) + answer("forged") : answer("next"));
      });
      await using client = atLimit(openUpstream, upstream.url);
      const first = startCall(client, ONCE);
      const waiting = startCall(client, ONCE);
      expect(await first.sink.done).toBeUndefined();
      expect(await waiting.sink.done).toBeUndefined();
      expect([first.sink.data, waiting.sink.data]).toEqual([["one"], ["next"]]);
      expect(upstream.connections).toBe(2);
    });

    test("though its call was paused, and its last bytes were read before the pause took effect", async () => {
      await using other = await startScriptedUpstream();
      const records = [`${answer("one", 40_000).slice(0, 16_384)}`, answer("one", 40_000).slice(16_384)];
      let hold = () => {};
      let release = () => {};
      const { promise: sent, resolve: forgedIsSent } = Promise.withResolvers<void>();
      await using upstream = await rawUpstream("TLS", (socket, request) => {
        if (request > 1) return void socket.write(answer("next"));
        hold();
        // One segment with all of the answer, and then one with another answer.
        for (const record of records) socket.write(record);
        setImmediate(() => {
          release();
          socket.write(answer("forged"), () => forgedIsSent());
        });
      });
      await using proxy = await holdingProxy(upstream.port);
      ({ hold, release } = proxy);
      await using client = atLimit(openUpstream, `https://localhost:${proxy.port}`);
      await using otherClient = openUpstream(other.url);
      const first = startCall(client, ONCE);
      first.sink.onEvent = () => first.call.pause();
      const waiting = startCall(client, ONCE);
      await Promise.all([first.sink.received(1), sent]);
      // It goes on within the reads of another socket, when this one's have not been looked at.
      const going = startCall(otherClient, ONCE);
      going.sink.onEvent = () => first.call.resume();
      (await other.request()).sse().event("go").end();
      expect(await first.sink.done).toBeUndefined();
      expect(await waiting.sink.done).toBeUndefined();
      expect([first.sink.data, waiting.sink.data]).toEqual([["one"], ["next"]]);
    });
  },
);

test("a connection that its upstream ends in the segment of an answer serves no call that waits", async () => {
  let hold = () => {};
  await using upstream = await rawUpstream("TLS", (socket, request) => {
    if (request > 1) return void socket.write(answer("next"));
    hold();
    // The answer, TLS's goodbye and FIN.
    socket.end(answer("one"));
  });
  await using proxy = await holdingProxy(upstream.port);
  hold = proxy.hold;
  await using client = atLimit(openUpstream, `https://localhost:${proxy.port}`);
  const first = startCall(client, ONCE);
  const waiting = startCall(client, ONCE);
  expect(await first.sink.done).toBeUndefined();
  expect(await waiting.sink.done).toBeUndefined();
  expect([first.sink.data, waiting.sink.data]).toEqual([["one"], ["next"]]);
});

// Straight alone: a proxy decides in which turn of the loop its bytes arrive.
describe("in the turn between two calls", () => {
  /** An upstream that answers every request at once. */
  const answering = () => rawUpstream("plain", (socket, request) => void socket.write(answer(String(request))));

  test("a new call waits for the connection, and makes no other", async () => {
    await using upstream = await answering();
    await using client = atLimit(openUpstream, upstream.url, 10);
    for (let call = 1; call <= 5; call++) {
      const { sink } = startCall(client, ONCE);
      expect(await sink.done).toBeUndefined();
      expect(sink.data).toEqual([String(call)]);
    }
    expect(upstream.connections).toBe(1);
  });

  test("a second new call makes a connection of its own, within the limit", async () => {
    for (const [limit, connections] of [
      [10, 3],
      [2, 2],
    ] as const) {
      await using upstream = await answering();
      await using client = atLimit(openUpstream, upstream.url, limit);
      await startCall(client, ONCE).sink.done;
      const calls = [startCall(client, ONCE), startCall(client, ONCE), startCall(client, ONCE)];
      for (const { sink } of calls) expect(await sink.done).toBeUndefined();
      expect(upstream.connections).toBe(connections);
    }
  });

  test("an abort of the call that waits leaves the connection to the next", async () => {
    await using upstream = await answering();
    await using client = atLimit(openUpstream, upstream.url);
    const first = startCall(client, ONCE);
    const waiting = startCall(client, ONCE);
    await first.sink.done;
    waiting.call.abort();
    const next = startCall(client, ONCE);
    expect(await next.sink.done).toBeUndefined();
    expect([next.sink.data, waiting.sink.calls, upstream.connections]).toEqual([["2"], [], 1]);
  });

  test("an end of the whole client fails the call that waits, and nothing is sent", async () => {
    let requests = 0;
    await using upstream = await rawUpstream("plain", (socket, request) => {
      requests = request;
      socket.write(answer("one"));
    });
    const client = atLimit(openUpstream, upstream.url);
    const first = startCall(client, ONCE);
    const waiting = startCall(client, ONCE);
    await first.sink.done;
    await client.close();
    expect(await waiting.sink.done).toMatchObject({ code: "shutting_down" });
    await using other = atLimit(openUpstream, upstream.url);
    await startCall(other, ONCE).sink.done;
    expect(requests).toBe(2);
  });

  test.each([
    ["a byte", (socket: Socket) => void socket.write("\n")],
    ["a FIN", (socket: Socket) => void socket.end()],
    ["a RST", (socket: Socket) => void socket.resetAndDestroy()],
  ])("%s closes the connection, and the call that waits gets another", async (_name, send) => {
    await using upstream = await rawUpstream("plain", (socket, request) => {
      socket.write(answer(request === 1 ? "one" : "next"));
      served = socket;
    });
    let served: Socket | undefined;
    await using client = atLimit(openUpstream, upstream.url);
    const first = startCall(client, ONCE);
    // Sent within the callback of the read that ended the answer: it is there at the loop's next look.
    first.sink.onEvent = () => served && send(served);
    const waiting = startCall(client, ONCE);
    expect(await first.sink.done).toBeUndefined();
    expect(await waiting.sink.done).toBeUndefined();
    expect([waiting.sink.data, upstream.connections]).toEqual([["next"], 2]);
  });
});
