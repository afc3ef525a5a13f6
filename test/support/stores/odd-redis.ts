import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Listens on loopback and hands each connection to the test; closes them all when disposed. */
export async function oddRedis(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get connections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Passes bytes to a Redis, and what it sends back through `answer`, which passes them on, later, or not at all. */
export const beforeRedis = (
  port: number,
  answer: (
    bytes: Buffer,
    pass: () => void,
    sockets: { readonly cut: () => void; readonly answer: (text: string) => void },
  ) => void,
) =>
  oddRedis((inward) => {
    const outward = connect(port, "127.0.0.1");
    const cut = () => {
      inward.destroy();
      outward.destroy();
    };
    inward.pipe(outward.on("error", cut));
    inward.on("close", cut);
    outward.on("close", cut);
    outward.on("data", (bytes: Buffer) =>
      answer(bytes, () => void inward.write(bytes), { cut, answer: (text) => void inward.write(text) }),
    );
  });
