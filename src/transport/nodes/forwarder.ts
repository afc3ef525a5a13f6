import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { GatewayError } from "../../core/kernel/errors.ts";
import { refusalPage, refuseUpgrade, sendPage } from "../http/page.ts";
import { type NodeAddress, preamble } from "./preamble.ts";

/** A node on the same network answers at once, or is gone. */
const CONNECT_MS = 2_000;

/**
 * Passes clients on to the node that serves them: their bytes as they come, both ways, each side no faster than the other
 * reads. That node checks them as its own clients.
 */
export class Forwarder {
  readonly #sockets = new Set<Duplex>();

  /** How many clients are passed on now. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Passes a client that wants a WebSocket on. Refuses it with `cluster_unavailable` if the node cannot be reached. */
  upgrade(request: IncomingMessage, client: Duplex, head: Buffer, clientAddress: string, to: NodeAddress): void {
    client.on("error", () => client.destroy());
    const node = this.#connect(to, clientAddress);
    let isConnected = false;
    this.#sockets.add(client);
    client.once("close", () => {
      this.#sockets.delete(client);
      node.destroy();
    });
    node.once("connect", () => {
      isConnected = true;
      node.write(headOf(request), "latin1");
      if (head.length > 0) node.write(head);
      node.pipe(client);
      client.pipe(node);
    });
    node.once("close", () => {
      if (isConnected) client.destroy();
      else refuseUpgrade(client, refusalPage(unreachable()));
    });
  }

  /** Passes a request without a body on, and its answer back. */
  request(request: IncomingMessage, response: ServerResponse, clientAddress: string, to: NodeAddress): void {
    const { method, url, headers } = request;
    const { connection: _, ...rest } = headers;
    const asked = httpRequest({
      ...(method !== undefined && { method }),
      ...(url !== undefined && { path: url }),
      headers: { ...rest, connection: "close" },
      createConnection: () => this.#connect(to, clientAddress),
    });
    response.once("close", () => asked.destroy());
    asked.once("response", (answer) => {
      const { connection: __, ...head } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, head);
      answer.pipe(response);
      answer.once("error", () => response.destroy());
    });
    asked.once("error", () => {
      if (response.headersSent) response.destroy();
      else sendPage(request, response, refusalPage(unreachable()));
    });
    asked.end();
  }

  /** Ends all connections. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(to: NodeAddress, clientAddress: string): Socket {
    const node = connect({ host: to.host, port: to.port, noDelay: true, timeout: CONNECT_MS });
    node.on("error", () => node.destroy());
    node.once("timeout", () => node.destroy());
    node.once("connect", () => node.setTimeout(0));
    node.write(preamble(to, clientAddress));
    return node;
  }
}

const unreachable = () =>
  new GatewayError("cluster_unavailable", "the node that serves this cannot be reached", { setting: "cluster.listen" });

/** The head of a request, as it came but for its prefix. */
function headOf({ method, url, rawHeaders }: IncomingMessage): string {
  const fields: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    fields.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`);
  }
  return `${method} ${url} HTTP/1.1\r\n${fields.join("")}\r\n`;
}
