import { createServer } from "node:net";
import { announce } from "./announce.ts";
import { FloorConnection } from "./floor/floor-connection.ts";

const upstreamPort = Number(process.argv[2]);
const server = createServer({ noDelay: true }, (socket) => new FloorConnection(socket, upstreamPort));
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => announce(server, "ws"));
