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
import { Seek } from "./seek.ts";

/** What a server that is one of several nodes serves for the others, and what they serve for it. */
export interface Neighbours {
  /** Where they forward clients to; port 0 takes any free port. */
  readonly address: NodeAddress;
  /** Which node serves a path's WebSockets or requests, if not this one. Throws GatewayError while none does. */
  elsewhere(path: string, isWebSocket: boolean): ServingNode | undefined;
  /** Resolves once that may be known; undefined if it is. */
  untilKnown?(path: string, isWebSocket: boolean): Promise<void> | undefined;
  /** How long a client waits for that, or for another node than one that cannot be reached; ten seconds by default. */
  readonly waitMs?: number;
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

/**
 * How long a client waits until it is known who serves it: for the rest of a dead node's lease, and less than the 15 s that
 * browsers' pages take for a connection.
 */
const WAIT_MS = 10_000;

/** What may become of a client. */
interface Ways {
  here(): void;
  refuse(why: GatewayError): void;
  /** `failed` is called if the node cannot be reached. */
  forward(to: ServingNode, clientAddress: string, failed: () => void): void;
}

/** A server's traffic with its neighbours: clients that another node serves, and clients that others forward. */
export class Nodes {
  readonly #parts: NodesParts;
  readonly #forwarder = new Forwarder();
  /** Clients that wait until it is known who serves them. */
  readonly #seeks = new Set<Seek>();
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
   * Passes a request on to the node that serves its path, or calls `here` if that is this one. `asked`: its target as it came,
   * because that node strips its prefix, too. While nobody knows who serves it, or that node cannot be reached, it waits.
   */
  take(request: IncomingMessage, response: ServerResponse, here: () => void, asked = "/"): void {
    const { neighbours, limits } = this.#parts;
    if (!neighbours) {
      here();
      return;
    }
    const inTurn = (act: () => void): void => {
      turnOf(response, limits.pingMs + limits.pongMs)
        .then(act)
        .catch((thrown: unknown) => {
          this.#parts.refused(thrown, this.#parts.proxies.clientOf(request), "http");
          response.destroy();
        });
    };
    this.#seek(request, response, neighbours, false, {
      here,
      refuse: (why) => inTurn(() => sendPage(request, response, refusalPage(why))),
      forward: (to, clientAddress, failed) =>
        inTurn(() => this.#forwarder.request(request, response, { clientAddress, asked }, to, failed)),
    });
  }

  /** The same for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, here: () => void, asked = "/"): void {
    const { neighbours, pendingSockets } = this.#parts;
    if (!neighbours) {
      here();
      return;
    }
    socket.on("error", () => socket.destroy());
    this.#seek(request, socket, neighbours, true, {
      here,
      refuse: (why) => refuseUpgrade(socket, refusalPage(why)),
      forward: (to, clientAddress, failed) => {
        // It waits for its client there.
        pendingSockets.leave(request.socket);
        this.#forwarder.upgrade(request, socket, head, { clientAddress, asked }, to, failed);
      },
    });
  }

  /** Passes no further clients on; those that are go on. */
  drain(): void {
    this.#draining = true;
    for (const seek of this.#seeks) seek.end();
  }

  /** Stops listening, and ends what is forwarded from here. */
  close(): void {
    this.#listener?.close();
    this.#forwarder.close();
  }

  #seek(
    request: IncomingMessage,
    client: Duplex | ServerResponse,
    neighbours: Neighbours,
    isWebSocket: boolean,
    ways: Ways,
  ): void {
    const path = pathOf(request);
    const clientAddress = this.#parts.proxies.clientOf(request);
    const seek = new Seek(client, neighbours.waitMs ?? WAIT_MS);
    const mayWait = () => !this.#draining && !seek.isOver && !this.#parts.proxies.isForwarded(request.socket);
    const wait = (eventOf: (over: AbortSignal) => Promise<void>) => {
      this.#seeks.add(seek);
      void seek.wait(eventOf).then((isThere) => {
        this.#seeks.delete(seek);
        if (isThere) go();
      });
    };
    const go = (): void => {
      const known = mayWait() ? neighbours.untilKnown?.(path, isWebSocket) : undefined;
      if (known !== undefined) {
        wait(() => known);
        return;
      }
      const to = this.#elsewhere(request, clientAddress, isWebSocket ? "upgrade" : "http", () => {
        const node = neighbours.elsewhere(path, isWebSocket);
        if (node && isWebSocket) this.#parts.admit();
        return node;
      });
      if (to === undefined) ways.here();
      else if (to instanceof GatewayError) ways.refuse(to);
      else
        ways.forward(to, clientAddress, () =>
          mayWait() ? wait((over) => endOf(to, over)) : ways.refuse(unreachable()),
        );
    };
    go();
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

/** Resolves once a node serves no longer, unless it is `over` before. */
const endOf = ({ ended }: ServingNode, over: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (ended.aborted) resolve();
    else ended.addEventListener("abort", () => resolve(), { once: true, signal: over });
  });

const unreachable = () =>
  new GatewayError("cluster_unavailable", "the node that serves this cannot be reached", { setting: "cluster.listen" });
const notHere = () => new GatewayError("cluster_unavailable", "another node serves this now");
