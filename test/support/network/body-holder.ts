/**
 * A process of its own, so that no other suite's garbage is weighed: sends large requests to an upstream that keeps nothing of
 * them, and prints as JSON the bytes its heap gained while they were kept and once they were let go. Run with `--expose-gc`.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { argv, stdout } from "node:process";
import { openUpstream, startCall } from "../clients/loopback-call.ts";

const CALLS = 16;
const BODY_BYTES = 4 * 1_048_576;

/** How each upstream answers, whether a request may be sent again, and what ends the time for which its body is needed. */
const WAYS = {
  answered: {
    answer:
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nb\r\ndata: one\n\n\r\n",
    mayRetry: true,
    letGo: async ({ sink }: ReturnType<typeof startCall>) => sink.received(1),
  },
  sent: { answer: "", mayRetry: false, letGo: async () => {} },
  refused: {
    answer: "HTTP/1.1 400 x\r\ncontent-length: 0\r\n\r\n",
    mayRetry: true,
    async letGo({ sink }: ReturnType<typeof startCall>) {
      const end = await sink.done;
      if (end?.code !== "upstream_http_error") throw new Error(`the call ended with ${end?.code}`);
    },
  },
} as const;

/** What {@link WAYS} are called. */
export type Way = keyof typeof WAYS;

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
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
  for (let round = 0; round < 3; round++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const { answer, mayRetry, letGo } = WAYS[argv[2] as Way];
await using upstream = await forgetfulUpstream(answer);
await using client = openUpstream(upstream.url);
const before = heapBytes();
const calls = Array.from({ length: CALLS }, (_, call) => startCall(client, { mayRetry, body: body(call) }));
const kept = heapBytes() - before;
await upstream.asked;
for (const call of calls) await letGo(call);
const left = heapBytes() - before;
stdout.write(`${JSON.stringify({ bodies: CALLS * BODY_BYTES, kept, left })}\n`);
// They are still held here, those that ended too.
for (const { call } of calls) call.abort();
