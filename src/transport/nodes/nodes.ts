import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { GatewayError } from "../../core/kernel/errors.ts";
import type { PendingSockets } from "../admit/pending-sockets.ts";
import type { Proxies } from "../admit/proxies.ts";
import { refusalPage, refuseUpgrade, sendPage } from "../http/page.ts";
import { pathOf } from "../http/target.ts";
import { Forwarder } from "./forwarder.ts";
import { listenForNodes, type NodeListener } from "./node-listener.ts";
import type { NodeAddress } from "./preamble.ts";

/** What a server that is one of several nodes serves for the others, and what they serve for it. */
export interface Neighbours {
  /** Where they forward clients to; port 0 takes any free port. */
  readonly address: NodeAddress;
  /** Which node serves a path's WebSockets or requests, if not this one. Throws GatewayError while none does. */
  elsewhere(path: string, isWebSocket: boolean): NodeAddress | undefined;
}

/** What the forwarding depends on. */
export interface NodesParts {
  /** Undefined: the server is alone. */
  readonly neighbours?: Neighbours | undefined;
  readonly pendingSockets: PendingSockets;
  readonly proxies: Proxies;
  /** Turns anything thrown into a refusal, and reports it. */
  readonly refused: (thrown: unknown, remoteAddress: string, where: string) => GatewayError;
}

/** A server's traffic with its neighbours: clients that another node serves, and clients that others forward. */
export class Nodes {
  readonly #parts: NodesParts;
  readonly #forwarder = new Forwarder();
  #listener: NodeListener | undefined;

  constructor(parts: NodesParts) {
    this.#parts = parts;
  }

  /** The port that other nodes forward clients to, once it listens. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  /** Hands forwarded connections to the server from now on. Rejects when the address cannot be bound. */
  async listen(server: Server): Promise<void> {
    const { neighbours, proxies } = this.#parts;
    if (!neighbours) return;
    this.#listener = await listenForNodes({
      ...neighbours.address,
      accept(socket, clientAddress) {
        proxies.forwarded(socket, clientAddress);
        server.emit("connection", socket);
      },
    });
  }

  /** Passes a request on to the node that serves its path. Returns false if that is this one, or none. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    const { neighbours, proxies, refused } = this.#parts;
    if (!neighbours) return false;
    const clientAddress = proxies.clientOf(request);
    try {
      const to = neighbours.elsewhere(pathOf(request), false);
      if (to) this.#forwarder.request(request, response, clientAddress, to);
      return to !== undefined;
    } catch (error) {
      sendPage(request, response, refusalPage(refused(error, clientAddress, "http")));
      return true;
    }
  }

  /** The same for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const { neighbours, pendingSockets, proxies, refused } = this.#parts;
    if (!neighbours) return false;
    const clientAddress = proxies.clientOf(request);
    try {
      const to = neighbours.elsewhere(pathOf(request), true);
      if (!to) return false;
      // It waits for its client there.
      pendingSockets.leave(request.socket);
      this.#forwarder.upgrade(request, socket, head, clientAddress, to);
    } catch (error) {
      refuseUpgrade(socket, refusalPage(refused(error, clientAddress, "upgrade")));
    }
    return true;
  }

  /** Stops listening, and ends what is forwarded from here. */
  close(): void {
    this.#listener?.close();
    this.#forwarder.close();
  }
}
