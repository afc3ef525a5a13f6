import { connect, createServer } from "node:net";
import { announce } from "./announce.ts";

const upstreamPort = Number(process.argv[2]);

// Copies bytes between sockets without looking at them: the cost of Node's sockets alone.
const server = createServer({ noDelay: true }, (socket) => {
  const upstream = connect({ port: upstreamPort, host: "127.0.0.1", noDelay: true });
  socket.pipe(upstream).pipe(socket);
  socket.on("error", () => upstream.destroy());
  upstream.on("error", () => socket.destroy());
  socket.on("close", () => upstream.destroy());
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => announce(server, "http"));
