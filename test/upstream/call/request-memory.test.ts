import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { openUpstream, startCall } from "../../support/loopback-call.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

const CALLS = 16;
const BODY_BYTES = 4 * 1_048_576;

/** An upstream that keeps nothing of a request and answers its last byte; `asked` resolves at that of the last one. */
async function forgetfulUpstream(answer: string) {
  const sockets: Socket[] = [];
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket
      .on("error", () => {})
      .on("data", (bytes) => {
        if (bytes.at(-1) !== 0x0a) return;
        socket.write(answer);
        if (++requests === CALLS) resolve();
      });
  });
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked, [Symbol.asyncDispose]: close };
}

/** Not pieced together from smaller texts, which would take less. */
const body = (call: number) =>
  Buffer.alloc(BODY_BYTES, `${call % 10}`)
    .fill("\n", BODY_BYTES - 1)
    .toString("latin1");

function heapBytes(): number {
  for (let round = 0; round < 3; round++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("a request's body", () => {
  test("is kept no longer than until its answer began", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    await using upstream = await forgetfulUpstream(`${head}b\r\ndata: one\n\n\r\n`);
    await using client = openUpstream(upstream.url);
    const before = heapBytes();
    const calls = Array.from({ length: CALLS }, (_, call) => startCall(client, { body: body(call) }));
    expect(heapBytes() - before).toBeGreaterThan(CALLS * BODY_BYTES * 0.9);
    for (const { sink } of calls) await sink.received(1);
    expect(heapBytes() - before).toBeLessThan(2 * BODY_BYTES);
    // They run on, and each is still held.
    for (const { call } of calls) call.abort();
  });

  test("is kept no longer than until it is sent, where it may not be sent again", async () => {
    await using upstream = await forgetfulUpstream("");
    await using client = openUpstream(upstream.url);
    const before = heapBytes();
    const calls = Array.from({ length: CALLS }, (_, call) => startCall(client, { mayRetry: false, body: body(call) }));
    await upstream.asked;
    expect(heapBytes() - before).toBeLessThan(2 * BODY_BYTES);
    for (const { call } of calls) call.abort();
  });

  test("is kept no longer than until its call failed", async () => {
    await using upstream = await forgetfulUpstream("HTTP/1.1 400 x\r\ncontent-length: 0\r\n\r\n");
    await using client = openUpstream(upstream.url);
    const before = heapBytes();
    const calls = Array.from({ length: CALLS }, (_, call) => startCall(client, { body: body(call) }));
    for (const { sink } of calls) expect(await sink.done).toMatchObject({ code: "upstream_http_error" });
    expect(heapBytes() - before).toBeLessThan(2 * BODY_BYTES);
    for (const { call } of calls) call.abort();
  });
});
