import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import type { Authenticator, Clock, Observer } from "../core/ports.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import { errorPage, jsonPage, type Page, refusalPage } from "./answer.ts";
import type { ConnectionLimits } from "./connection.ts";
import { checkSource, type OriginRules } from "./origin.ts";
import { pathOf } from "./target.ts";
import { CLOSE_TIMEOUT_MS, type FaceMount, Upgrades } from "./upgrades.ts";

export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly remoteAddress: string;
}

export interface ServerParts {
  readonly host: string;
  readonly port: number;
  readonly faces: readonly FaceMount[];
  /** The start page, or undefined for a path that is not its. */
  readonly page: (request: PageRequest) => Page | undefined;
  readonly authenticator: Authenticator;
  readonly origins: OriginRules;
  readonly limits: ConnectionLimits & AdmissionLimits;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly newId: () => string;
}

export interface RunningServer {
  readonly url: string;
  /** Stops accepting: `/readyz` says so, new sockets are refused with 503, and every client is told to come back. */
  drain(): void;
  /** Says goodbye on every socket, waits a moment for their closing handshakes, and closes. */
  close(): Promise<void>;
}

/** Listens. Rejects when the address cannot be bound. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const gateway = new GatewayServer(parts);
  await gateway.listen();
  return gateway;
}

class GatewayServer implements RunningServer {
  readonly #parts: ServerParts;
  readonly #http: Server;
  readonly #upgrades: Upgrades;
  #draining = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#upgrades = new Upgrades({ ...parts, admission: new Admission(parts.limits, parts.clock) });
    // Slow-request limits: Node's defaults (60 s, 300 s, checked every 30 s) leave room for slowloris.
    this.#http = createServer(
      {
        headersTimeout: 10_000,
        requestTimeout: 15_000,
        connectionsCheckingInterval: 5_000,
        keepAliveTimeout: 5_000,
        maxHeaderSize: 16_384,
      },
      (request, response) => this.#request(request, response),
    );
    this.#http.maxHeadersCount = 64;
    this.#http.on("upgrade", (request, socket, head) => this.#upgrades.upgrade(request, socket, head));
  }

  get url(): string {
    const { address, port, family } = this.#http.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen(this.#parts.port, this.#parts.host, () => {
        this.#http.off("error", reject);
        resolve();
      });
    });
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#upgrades.drain();
  }

  async close(): Promise<void> {
    this.drain();
    const stopped = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeIdleConnections();
    this.#upgrades.close();
    const giveUp = setTimeout(() => {
      this.#upgrades.terminate();
      this.#http.closeAllConnections();
    }, CLOSE_TIMEOUT_MS);
    await stopped;
    clearTimeout(giveUp);
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const page = this.#answer(request);
    response.writeHead(page.status, { "content-length": Buffer.byteLength(page.body), ...page.headers });
    response.end(request.method === "HEAD" ? undefined : page.body);
  }

  #answer(request: IncomingMessage): Page {
    const path = pathOf(request);
    // Health comes before the Host check: probes use whatever address they have.
    if (path === "/healthz") return jsonPage(200, { status: "live" });
    if (path === "/readyz")
      return jsonPage(this.#draining ? 503 : 200, { status: this.#draining ? "draining" : "ready" });
    try {
      checkSource(request.headers, this.#parts.origins);
      if (this.#upgrades.serves(path) && path !== "/")
        return errorPage(426, "this path speaks WebSocket", { upgrade: "websocket" });
      const page = this.#parts.page({
        method: request.method ?? "GET",
        path,
        headers: request.headers,
        remoteAddress: request.socket.remoteAddress ?? "",
      });
      if (page) return page;
      throw new GatewayError("not_found");
    } catch (error) {
      return refusalPage(toGatewayError(error));
    }
  }
}
