import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { preamble, type ServingNode } from "./preamble.ts";

/** A node on the same network answers at once, or is gone. */
const CONNECT_MS = 2_000;

/** How long a client may take for the last bytes, once the node has closed. */
const LAST_MS = 2_000;

/** Header fields of a connection (RFC 9110, 7.6.1); and of a body, which is not passed on. */
const HOP_FIELDS = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];
const BODY_FIELDS = ["content-length", "expect"];

/** Whose request is passed on. */
export interface Forwarded {
  readonly clientAddress: string;
  /** The request's target as it came. */
  readonly asked: string;
}

/**
 * Passes clients on to the node that serves them: their bytes as they come, both ways, each side no faster than the other
 * reads. That node treats them as its own clients.
 */
export class Forwarder {
  readonly #sockets = new Set<Duplex>();

  /** How many WebSockets are passed on now. */
  get size(): number {
    return this.#sockets.size;
  }

  /**
   * Passes a client that wants a WebSocket on. Calls `failed` if the node cannot be reached, or ends before it answers.
   */
  upgrade(
    request: IncomingMessage,
    client: Duplex,
    head: Buffer,
    forwarded: Forwarded,
    to: ServingNode,
    failed: () => void,
  ): void {
    const node = this.#connect(to, forwarded.clientAddress);
    let isAnswered = false;
    this.#sockets.add(client);
    const leave = () => {
      this.#sockets.delete(client);
      node.destroy();
    };
    client.once("close", leave);
    node.once("connect", () => {
      node.write(headOf(request, forwarded.asked), "latin1");
      if (head.length > 0) node.write(head);
      client.pipe(node);
    });
    // Not before: the end of a node that has said nothing is not the client's.
    node.once("data", (first: Buffer) => {
      isAnswered = true;
      client.write(first);
      node.pipe(client);
    });
    node.once("close", () => {
      // What it sent last may still be on its way.
      if (isAnswered && node.readableEnded) setTimeout(() => client.destroy(), LAST_MS).unref();
      else if (isAnswered || client.destroyed) client.destroy();
      else {
        client.off("close", leave);
        leave();
        failed();
      }
    });
  }

  /** Passes a request on, without its body, and its answer back. Calls `failed` if there is none. */
  request(
    request: IncomingMessage,
    response: ServerResponse,
    forwarded: Forwarded,
    to: ServingNode,
    failed: () => void,
  ): void {
    const asked = httpRequest({
      ...(request.method !== undefined && { method: request.method }),
      path: forwarded.asked,
      headers: [...fieldsWithout([...HOP_FIELDS, ...BODY_FIELDS], request), ["connection", "close"]].flat(),
      createConnection: () => this.#connect(to, forwarded.clientAddress),
    });
    response.once("close", () => asked.destroy());
    asked.once("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, fieldsWithout(HOP_FIELDS, answer).flat());
      answer.pipe(response);
      answer.once("error", () => response.destroy());
    });
    asked.on("error", () => {});
    // Without an error, too: a node that answers with an upgrade is none.
    asked.once("close", () => {
      if (!response.headersSent) failed();
    });
    asked.end();
  }

  /** Ends all connections. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Connects, until the node ends to serve. */
  #connect(to: ServingNode, clientAddress: string): Socket {
    const node = connect({ host: to.host, port: to.port, noDelay: true, timeout: CONNECT_MS });
    const end = () => void node.destroy();
    node.on("error", end);
    node.once("timeout", end);
    node.once("connect", () => node.setTimeout(0));
    to.ended.addEventListener("abort", end);
    node.once("close", () => to.ended.removeEventListener("abort", end));
    if (to.ended.aborted) end();
    else node.write(preamble(to, clientAddress));
    return node;
  }
}

/** Header fields as they came, but for these. */
function fieldsWithout(names: readonly string[], { rawHeaders }: IncomingMessage): [string, string][] {
  const fields: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = rawHeaders.slice(index, index + 2);
    if (!names.includes(name.toLowerCase())) fields.push([name, value]);
  }
  return fields;
}

/** The head of an upgrade, as it came. */
function headOf(request: IncomingMessage, asked: string): string {
  const fields = fieldsWithout([], request).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${request.method} ${asked} HTTP/1.1\r\n${fields.join("")}\r\n`;
}
