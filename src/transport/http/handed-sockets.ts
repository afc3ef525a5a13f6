import type { Server } from "node:http";
import type { Socket } from "node:net";
import { listen, urlOf } from "./listener.ts";

/** Sockets that another process accepts, and hands to this one. */
export interface SocketSource {
  /** `http://host:port`, where that process listens. */
  readonly url: string;
  /** Calls back with each socket until the result is called: no further one comes then. */
  receive(take: (socket: Socket) => void): () => void;
}

/** How a server gets its sockets. */
export interface Accepting {
  /** `http://host:port`, as bound. */
  readonly url: string;
  /** Takes no more sockets; resolves when those there are have closed. */
  close(): Promise<void>;
}

/** Listens, or takes the sockets of a source. Rejects when the address cannot be bound. */
export async function acceptSockets(
  server: Server,
  { sockets, ...where }: { readonly host: string; readonly port: number; readonly sockets?: SocketSource | undefined },
): Promise<Accepting> {
  if (sockets) return new HandedSockets(server, sockets);
  await listen(server, where);
  const url = urlOf(server);
  return { url, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Gives a server that does not listen itself the sockets of a source, as if it had accepted them. */
class HandedSockets implements Accepting {
  readonly url: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #stop: () => void;
  readonly #closed = Promise.withResolvers<void>();
  #isClosing = false;

  constructor(server: Server, source: SocketSource) {
    this.url = source.url;
    this.#server = server;
    // What a listening server does: it begins to watch for slow requests.
    server.emit("listening");
    this.#stop = source.receive((socket) => this.#take(socket));
  }

  close(): Promise<void> {
    this.#isClosing = true;
    this.#stop();
    // Stops watching for slow requests.
    this.#server.close();
    this.#look();
    return this.#closed.promise;
  }

  #take(socket: Socket): void {
    const { remoteAddress, remotePort, remoteFamily, localAddress, localPort } = socket;
    if (this.#isClosing || this.#open.size >= this.#server.maxConnections) {
      socket.destroy();
      const ends = { remoteAddress, remotePort, remoteFamily, localAddress, localPort };
      if (!this.#isClosing) this.#server.emit("drop", ends);
      return;
    }
    this.#open.add(socket);
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#look();
    });
    // As Node's HTTP server sets those that it accepts.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    this.#server.emit("connection", socket);
  }

  #look(): void {
    if (this.#isClosing && this.#open.size === 0) this.#closed.resolve();
  }
}
