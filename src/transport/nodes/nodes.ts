import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { GatewayError } from "../../core/kernel/errors.ts";
import { checkSource, type OriginRules } from "../admit/origin.ts";
import type { PendingSockets } from "../admit/pending-sockets.ts";
import type { Proxies } from "../admit/proxies.ts";
import { refusalPage, refuseUpgrade, sendPage, turnOf } from "../http/page.ts";
import { pathOf, sourceOf } from "../http/target.ts";
import { Forwarder } from "./forwarder.ts";
import { listenForNodes, type NodeListener } from "./node-listener.ts";
import type { NodeAddress, ServingNode } from "./preamble.ts";

/** What a server that is one of several nodes serves for the others, and what they serve for it. */
export interface Neighbours {
  /** Where they forward clients to; port 0 takes any free port. */
  readonly address: NodeAddress;
  /** Which node serves a path's WebSockets or requests, if not this one. Throws GatewayError while none does. */
  elsewhere(path: string, isWebSocket: boolean): ServingNode | undefined;
}

/** What the forwarding depends on. */
export interface NodesParts {
  /** Undefined: the server is alone. */
  readonly neighbours?: Neighbours | undefined;
  readonly pendingSockets: PendingSockets;
  readonly proxies: Proxies;
  readonly origins: OriginRules;
  /** Throws GatewayError when the process has no room for another connection. */
  readonly admit: () => void;
  /** A client that takes nothing of an answer for their sum is closed. */
  readonly limits: { readonly pingMs: number; readonly pongMs: number };
  /** Turns anything thrown into a refusal, and reports it. */
  readonly refused: (thrown: unknown, remoteAddress: string, where: string) => GatewayError;
}

/** A server's traffic with its neighbours: clients that another node serves, and clients that others forward. */
export class Nodes {
  readonly #parts: NodesParts;
  readonly #forwarder = new Forwarder();
  #listener: NodeListener | undefined;
  #draining = false;

  constructor(parts: NodesParts) {
    this.#parts = parts;
  }

  /** The port that other nodes forward clients to, once it listens. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  /** How many WebSockets are passed on now. */
  get forwarded(): number {
    return this.#forwarder.size;
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

  /**
   * Passes a request on to the node that serves its path. Returns false if that is this one, or none. `asked`: its target as
   * it came, because that node strips its prefix, too.
   */
  take(request: IncomingMessage, response: ServerResponse, asked = "/"): boolean {
    const { neighbours, proxies, limits } = this.#parts;
    if (!neighbours) return false;
    const path = pathOf(request);
    const clientAddress = proxies.clientOf(request);
    const to = this.#elsewhere(request, clientAddress, "http", () => neighbours.elsewhere(path, false));
    if (to === undefined) return false;
    const passOn = async () => {
      await turnOf(response, limits.pingMs + limits.pongMs);
      if (to instanceof GatewayError) sendPage(request, response, refusalPage(to));
      else this.#forwarder.request(request, response, { clientAddress, asked }, to);
    };
    passOn().catch((thrown: unknown) => {
      this.#parts.refused(thrown, clientAddress, "http");
      response.destroy();
    });
    return true;
  }

  /** The same for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, asked = "/"): boolean {
    const { neighbours, pendingSockets, proxies, admit } = this.#parts;
    if (!neighbours) return false;
    const path = pathOf(request);
    const clientAddress = proxies.clientOf(request);
    const to = this.#elsewhere(request, clientAddress, "upgrade", () => {
      const node = neighbours.elsewhere(path, true);
      if (node) admit();
      return node;
    });
    if (to === undefined) return false;
    // It waits for its client there.
    pendingSockets.leave(request.socket);
    if (to instanceof GatewayError) refuseUpgrade(socket, refusalPage(to));
    else this.#forwarder.upgrade(request, socket, head, { clientAddress, asked }, to);
    return true;
  }

  /** Passes no further clients on; those that are go on. */
  drain(): void {
    this.#draining = true;
  }

  /** Stops listening, and ends what is forwarded from here. */
  close(): void {
    this.#listener?.close();
    this.#forwarder.close();
  }

  /** Where a request belongs, once it is checked as one of this node's own; or why it is refused. */
  #elsewhere(
    request: IncomingMessage,
    clientAddress: string,
    where: string,
    find: () => ServingNode | undefined,
  ): ServingNode | GatewayError | undefined {
    try {
      const to = find();
      if (!to) return undefined;
      // Two nodes that each take the other for the one that serves would pass it on for ever.
      if (this.#parts.proxies.isForwarded(request.socket)) throw notHere();
      if (this.#draining) throw new GatewayError("shutting_down");
      checkSource(sourceOf(request), this.#parts.origins);
      return to;
    } catch (error) {
      return this.#parts.refused(error, clientAddress, where);
    }
  }
}

const notHere = () => new GatewayError("cluster_unavailable", "another node serves this now");
