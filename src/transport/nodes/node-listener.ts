import { type AddressInfo, createServer, type Socket } from "node:net";
import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import { MAX_PREAMBLE_BYTES, readPreamble } from "./preamble.ts";

const FIRST_LINE_MS = 5_000;
/** Connections that have not sent it: the oldest makes room. Nodes send it at once. */
const MAX_GREETED = 256;
const LINE_FEED = 0x0a;

/** What the listener depends on. */
export interface NodeListenerParts {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** How long the first line may take, in milliseconds; by default five seconds. */
  readonly firstLineMs?: number;
  /** 32 bytes in hexadecimal digits. */
  readonly secret: string;
  /** Takes a client's connection that another node forwards. */
  readonly accept: (socket: Socket, clientAddress: string) => void;
}

/** Listens for clients that other nodes forward. */
export interface NodeListener {
  /** As bound. */
  readonly port: number;
  /** Stops listening; what was accepted goes on. */
  close(): void;
}

/** Starts listening. Rejects when the address cannot be bound. */
export async function listenForNodes(parts: NodeListenerParts): Promise<NodeListener> {
  const { host, port, secret, accept, firstLineMs = FIRST_LINE_MS } = parts;
  const greeted = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const [oldest] = greeted.size < MAX_GREETED ? [] : greeted;
    oldest?.destroy();
    greeted.add(socket);
    greet(socket, { secret, firstLineMs }, (client, address) => {
      greeted.delete(client);
      accept(client, address);
    });
    socket.once("close", () => greeted.delete(socket));
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  try {
    await promise;
  } catch (cause) {
    throw unusable(host, port, cause);
  }
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of greeted) socket.destroy();
    },
  };
}

const FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use: set another one, or 0 for any free port",
  EACCES: "this user may not use the port: set one above 1023",
  EADDRNOTAVAIL: "it is not an address of this machine",
  ENOTFOUND: "the host name is unknown",
};

function unusable(host: string, port: number, cause: unknown): GatewayError {
  const code = isNativeError(cause) && "code" in cause ? String(cause.code) : "an unknown failure";
  const reason = FAILURES[code] ?? `the system says ${code}`;
  const message = `cluster.listen: nodes cannot be listened for on ${host} port ${port}: ${reason}`;
  return new GatewayError("cluster_unavailable", message, { cause });
}

/** Reads the first line, and closes the connection without a word if it is not a node's. */
function greet(
  socket: Socket,
  { secret, firstLineMs }: { readonly secret: string; readonly firstLineMs: number },
  accept: NodeListenerParts["accept"],
): void {
  let seen = Buffer.alloc(0);
  const failed = () => socket.destroy();
  const timer = setTimeout(failed, firstLineMs);
  socket.on("error", failed);
  socket.once("close", () => clearTimeout(timer));
  const read = (bytes: Buffer) => {
    seen = Buffer.concat([seen, bytes]);
    const end = seen.indexOf(LINE_FEED);
    if (end < 0 && seen.length <= MAX_PREAMBLE_BYTES) return;
    const address = readPreamble(seen.toString("latin1", 0, Math.max(end, 0)), secret);
    if (address === undefined) return failed();
    clearTimeout(timer);
    socket.off("data", read);
    socket.pause();
    if (seen.length > end + 1) socket.unshift(seen.subarray(end + 1));
    accept(socket, address);
    socket.resume();
  };
  socket.on("data", read);
}
