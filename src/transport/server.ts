import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type ServerOptions, WebSocketServer } from "ws";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import type { Authenticator, Caller, Clock, Face, Observer } from "../core/ports.ts";
import { TokenBucket } from "../core/token-bucket.ts";
import { errorPage, jsonPage, type Page, refusalPage, refuseUpgrade } from "./answer.ts";
import { type ConnectionLimits, SocketConnection } from "./connection.ts";
import { offeredSubprotocols, tokenOf } from "./credentials.ts";
import { isAllowedHost, isAllowedOrigin, type OriginRules } from "./origin.ts";

export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly remoteAddress: string;
}

export interface FaceMount {
  readonly path: string;
  /** When set, clients must offer it and it is the one that is chosen. */
  readonly subprotocol?: string;
  readonly face: Face;
}

export interface ServerParts {
  readonly host: string;
  readonly port: number;
  readonly faces: readonly FaceMount[];
  /** The start page, or undefined for a path that is not its. */
  readonly page: (request: PageRequest) => Page | undefined;
  readonly authenticator: Authenticator;
  readonly origins: OriginRules;
  readonly limits: ConnectionLimits & {
    readonly connections: number;
    readonly connectionsPerAddress: number;
    readonly upgradesPerSecond: number;
  };
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

/** Clients of a stopping gateway come back spread over this time (security.md of the design, item 34). */
const COME_BACK_WITHIN_MS = 5_000;

/** How long sockets get for their closing handshake, at the end and one by one. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Listens. Rejects when the address cannot be bound. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const gateway = new GatewayServer(parts);
  await gateway.listen();
  return gateway;
}

class GatewayServer implements RunningServer {
  readonly #parts: ServerParts;
  readonly #http: Server;
  readonly #mounts: ReadonlyMap<string, { mount: FaceMount; acceptor: WebSocketServer }>;
  readonly #connections = new Set<SocketConnection>();
  readonly #perAddress = new Map<string, number>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #upgrades: TokenBucket;
  #beatAt: number;
  #draining = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#mounts = new Map(parts.faces.map((mount) => [mount.path, { mount, acceptor: acceptorFor(mount) }]));
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
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#beatAt = parts.clock.now();
    this.#upgrades = new TokenBucket(parts.limits.upgradesPerSecond, parts.limits.upgradesPerSecond, this.#beatAt);
    this.#heartbeat = setInterval(() => this.#beat(), parts.limits.pongMs).unref();
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
    for (const connection of this.#connections) {
      // Spread, so that the next gateway is not hit by all of them at once.
      connection.goingAway(Math.floor(Math.random() * COME_BACK_WITHIN_MS));
    }
  }

  async close(): Promise<void> {
    this.drain();
    clearInterval(this.#heartbeat);
    const stopped = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeIdleConnections();
    for (const connection of this.#connections) connection.closeFor("shutting_down");
    const giveUp = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate();
      this.#http.closeAllConnections();
    }, CLOSE_TIMEOUT_MS);
    await stopped;
    clearTimeout(giveUp);
  }

  #beat(): void {
    const now = this.#parts.clock.now();
    const stalled = now - this.#beatAt > 2 * this.#parts.limits.pongMs;
    this.#beatAt = now;
    for (const connection of this.#connections) {
      if (stalled) connection.forgiveSilence(now);
      else connection.heartbeat(now);
    }
  }

  // ── plain HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────

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
      this.#checkSource(request);
      if (this.#mounts.has(path) && path !== "/")
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

  /** Throws `host_not_allowed` or `origin_not_allowed`. */
  #checkSource(request: IncomingMessage): void {
    const { host, origin } = request.headers;
    if (!isAllowedHost(host, this.#parts.origins)) throw new GatewayError("host_not_allowed");
    if (!isAllowedOrigin(origin, host, this.#parts.origins)) throw new GatewayError("origin_not_allowed");
  }

  // ── WebSocket ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const remoteAddress = request.socket.remoteAddress ?? "";
    try {
      const { mount, acceptor, caller } = this.#admit(request, remoteAddress);
      acceptor.handleUpgrade(request, socket, head, (ws) => {
        this.#perAddress.set(remoteAddress, (this.#perAddress.get(remoteAddress) ?? 0) + 1);
        const connection: SocketConnection = new SocketConnection({
          id: `c_${this.#parts.newId()}`,
          ws,
          socket,
          face: mount.face,
          caller,
          remoteAddress,
          origin: request.headers.origin,
          limits: this.#parts.limits,
          clock: this.#parts.clock,
          observer: this.#parts.observer,
          closed: () => this.#gone(connection),
        });
        this.#connections.add(connection);
      });
    } catch (error) {
      const refusal = toGatewayError(error);
      if (refusal.code === "internal") this.#parts.observer.fault(refusal.cause, "upgrade");
      this.#parts.observer.refused({ code: refusal.code, remoteAddress, where: "upgrade" });
      refuseUpgrade(socket, refusalPage(refusal));
    }
  }

  /** Everything that can be said no to before a WebSocket exists. Throws GatewayError. */
  #admit(request: IncomingMessage, remoteAddress: string) {
    const { limits, authenticator } = this.#parts;
    if (this.#draining) throw new GatewayError("shutting_down", undefined, { retryAfterMs: 1_000 });
    this.#admitRate();
    this.#checkSource(request);
    const target = this.#mounts.get(pathOf(request));
    if (!target) throw new GatewayError("not_found");
    const { subprotocol, face } = target.mount;
    if (subprotocol !== undefined && !offeredSubprotocols(request.headers).includes(subprotocol)) {
      throw new GatewayError("bad_protocol_version", `offer the WebSocket subprotocol ${subprotocol}`);
    }
    if (
      this.#connections.size >= limits.connections ||
      (this.#perAddress.get(remoteAddress) ?? 0) >= limits.connectionsPerAddress
    ) {
      throw new GatewayError("overloaded", "too many connections", { retryAfterMs: 1_000 });
    }
    let caller: Caller | undefined;
    if (face.authentication === "header") {
      caller = authenticator.authenticate(tokenOf(request.headers), remoteAddress);
      if (!caller) throw new GatewayError("unauthorized");
    }
    return { ...target, caller };
  }

  /** A storm of reconnects is let in at a bounded rate; the others are told to come back, spread over some seconds. */
  #admitRate(): void {
    if (this.#upgrades.take(this.#parts.clock.now()) === 0) return;
    const retryAfterMs = 1_000 + Math.floor(Math.random() * COME_BACK_WITHIN_MS);
    throw new GatewayError("overloaded", "too many connections at once", { retryAfterMs });
  }

  #gone(connection: SocketConnection): void {
    this.#connections.delete(connection);
    const left = (this.#perAddress.get(connection.remoteAddress) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(connection.remoteAddress, left);
    else this.#perAddress.delete(connection.remoteAddress);
  }
}

function acceptorFor(mount: FaceMount): WebSocketServer {
  // The types of ws lag behind its options.
  const options: ServerOptions & { maxPendingAutoPongs: number; closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    // Compression costs latency and memory, and the lengths of compressed tokens leak their text.
    perMessageDeflate: false,
    maxPayload: mount.face.maxFrameBytes,
    maxFragments: 64,
    maxBufferedChunks: 1_024,
    maxPendingAutoPongs: 8,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // Without this ws picks the first one offered, which may be the one that carries the token.
    handleProtocols: () => mount.subprotocol ?? false,
  };
  return new WebSocketServer(options);
}

const pathOf = (request: IncomingMessage): string => (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/";
