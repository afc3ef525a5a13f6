import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Forwards bytes to a server and back until a test cuts its connections. */
export async function startCuttingProxy(target: string) {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    const onward = keep(connect(Number(port), hostname));
    keep(socket).pipe(onward).pipe(socket);
    // Ends are piped. A reset, or a server that is not there, would leave the other side to wait for what never comes.
    socket.on("error", () => onward.resetAndDestroy());
    onward.on("error", () => socket.resetAndDestroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    /** Closes every connection on both sides now. */
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}
