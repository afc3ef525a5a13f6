import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Caller } from "../core/caller/caller.ts";
import type { Clock } from "../core/kernel/clock.ts";
import { GatewayError, toGatewayError } from "../core/kernel/errors.ts";
import type { Authenticator } from "../core/ports/authenticator.ts";
import type { HttpFace } from "../core/ports/http-face.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { ReadTurn } from "../core/stream/read-turn.ts";
import { Admission, type AdmissionLimits } from "./admit/admission.ts";
import type { Inbound } from "./admit/inbound.ts";
import { checkSource, type OriginRules } from "./admit/origin.ts";
import { madeRoom, noRoom, type PendingSocketLimits, PendingSockets } from "./admit/pending-sockets.ts";
import { Proxies } from "./admit/proxies.ts";
import type { Tickets } from "./auth/tickets.ts";
import { Exchanges } from "./http/exchanges.ts";
import { type Accepting, acceptSockets, type SocketSource } from "./http/handed-sockets.ts";
import { ALL_FIELDS, limitRequests, SLOW_REQUEST_LIMITS } from "./http/listener.ts";
import { errorPage, jsonPage, type Page, refusalPage, sendPage, slashPage, turnOf } from "./http/page.ts";
import type { PageRequest } from "./http/page-request.ts";
import { checkHead } from "./http/request-head.ts";
import { LINGER_MS, SlowRequests } from "./http/slow-requests.ts";
import { afterPrefix, pathOf, queryOf, sourceOf } from "./http/target.ts";
import type { ConnectionLimits } from "./ws/connection-limits.ts";
import { asksForWebSocket } from "./ws/upgrade-required.ts";
import { CLOSE_TIMEOUT_MS, type FaceMount, WebSockets } from "./ws/web-sockets.ts";

/** What the server serves, and what it depends on. */
export interface ServerParts {
  readonly host: string;
  readonly port: number;
  /** Where client sockets come from if another process listens; host and port then have no effect. */
  readonly sockets?: SocketSource | undefined;
  /** Prefix stripped from request paths, where a proxy did not; empty by default. */
  readonly basePath?: string;
  readonly faces: readonly FaceMount[];
  readonly httpFaces: readonly HttpFace[];
  /** The page of a path no face serves; undefined if there is none. May throw GatewayError. */
  readonly page: (request: PageRequest) => Page | Promise<Page> | undefined;
  /** Throws GatewayError when the process has no room for another connection. */
  readonly admit: () => void;
  /** Most client sockets, upgraded or not. */
  readonly maxSockets: number;
  /** How long a client's idle connection stays open; by default as in `SLOW_REQUEST_LIMITS`. */
  readonly keepAliveMs?: number;
  /** How long a request may take to arrive; by default `SLOW_REQUEST_LIMITS`. */
  readonly slowRequests?: typeof SLOW_REQUEST_LIMITS;
  readonly inbound: Inbound;
  /** The current read of an upstream, at whose end frames are written. */
  readonly reads: ReadTurn;
  /** How often slow bodies are checked; by default once a second. */
  readonly lookMs?: number;
  readonly authenticator: Authenticator;
  /** Undefined: tickets are not accepted. */
  readonly tickets?: Tickets;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies?: readonly string[];
  readonly origins: OriginRules;
  readonly limits: ConnectionLimits & AdmissionLimits & PendingSocketLimits & { readonly connectionsPerKey: number };
  readonly clock: Clock;
  readonly observer: Observer;
  readonly newId: () => string;
}

/** A server that listens. */
export interface RunningServer {
  /** `http://host:port`, as bound. */
  readonly url: string;
  /** Open WebSockets, and HTTP exchanges whose response is not finished, by face. */
  readonly connectionsByFace: ReadonlyMap<string, number>;
  /** Closes the WebSockets and ends the exchanges of callers whose credentials are no longer valid. */
  recheck(): void;
  /**
   * Begins to stop: `/readyz` responds 503, upgrades are refused with 503, every response ends its connection, and every
   * WebSocket is told when to reconnect. The server keeps listening.
   */
  drain(): void;
  /** Starts the closing handshake on every socket, waits for them for a moment, and closes. */
  close(): Promise<void>;
}

/** Sockets besides `limits.connections`, for those that are not WebSockets yet, or never will be. */
const PLAIN_SOCKETS = 256;
const LOOK_MS = 1_000;

/** Starts listening. Rejects when the address cannot be bound. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const gateway = new GatewayServer(parts);
  await gateway.listen();
  return gateway;
}

class GatewayServer implements RunningServer {
  readonly #parts: ServerParts;
  readonly #http: Server;
  readonly #webSockets: WebSockets;
  readonly #exchanges: Exchanges;
  readonly #proxies: Proxies;
  readonly #looks: NodeJS.Timeout;
  #accepting: Accepting | undefined;
  #draining = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    const proxies = new Proxies(parts.trustedProxies ?? []);
    this.#proxies = proxies;
    const admission = new Admission(parts);
    const pendingSockets = new PendingSockets({
      ...parts,
      isProxy: (address) => proxies.has(address),
      closed: (address) => this.#refused(madeRoom(), address, "accept"),
    });
    this.#webSockets = new WebSockets({
      ...parts,
      speaksHttp: (path) => this.#exchanges.serves(path),
      admission,
      pendingSockets,
      proxies,
    });
    const slowRequests = new SlowRequests({ pace: parts.inbound.pace, lingerMs: LINGER_MS, now: parts.clock.now });
    this.#looks = setInterval(() => slowRequests.look(), parts.lookMs ?? LOOK_MS).unref();
    this.#exchanges = new Exchanges({ ...parts, admission, pendingSockets, proxies, slowRequests });
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      const rest = afterPrefix(request, parts.basePath);
      if (rest?.startsWith("/") === false) return sendPage(request, response, slashPage(parts.basePath, rest));
      request.url = rest ?? request.url;
      // A later request on a kept connection would be lost when the process ends.
      if (this.#draining) response.shouldKeepAlive = false;
      slowRequests.watch(request, response);
      if (!this.#exchanges.take(request, response)) void this.#show(request, response);
    };
    const { slowRequests: limits = SLOW_REQUEST_LIMITS, keepAliveMs } = parts;
    const options = {
      ...limits,
      ...(keepAliveMs !== undefined && { keepAliveTimeout: keepAliveMs }),
      shouldUpgradeCallback: asksForWebSocket,
    };
    const answer = limitRequests(serve);
    this.#http = createServer(options, answer);
    // A request refused for its head need not send its body.
    this.#http.on("checkContinue", answer);
    this.#http.maxHeadersCount = ALL_FIELDS;
    const mostSockets = () => Math.min(parts.maxSockets, parts.limits.connections + PLAIN_SOCKETS);
    this.#http.maxConnections = mostSockets();
    this.#http.on("connection", (socket) => pendingSockets.enter(socket));
    this.#http.on("drop", (dropped) => {
      // Make room for the next one: the limit may have been raised, and idle connections are only a convenience.
      this.#http.maxConnections = mostSockets();
      this.#http.closeIdleConnections();
      this.#refused(noRoom(), dropped?.remoteAddress, "accept");
    });
    this.#http.on("upgrade", (request, socket, head) => {
      const rest = afterPrefix(request, parts.basePath);
      if (rest !== undefined) request.url = rest.startsWith("/") ? rest : `/${rest}`;
      this.#webSockets.upgrade(request, socket, head);
    });
  }

  get url(): string {
    return this.#accepting?.url ?? "";
  }

  get connectionsByFace(): ReadonlyMap<string, number> {
    return new Map([...this.#webSockets.connectionsByFace, ...this.#exchanges.connectionsByFace]);
  }

  async listen(): Promise<void> {
    this.#accepting = await acceptSockets(this.#http, this.#parts);
  }

  recheck(): void {
    const isCurrent = (caller: Caller): boolean => {
      try {
        return this.#parts.authenticator.current(caller) !== undefined;
      } catch {
        return false;
      }
    };
    this.#webSockets.recheck(isCurrent);
    this.#exchanges.recheck(isCurrent);
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#webSockets.drain();
  }

  async close(): Promise<void> {
    this.drain();
    const stopped = this.#accepting?.close();
    this.#http.closeIdleConnections();
    this.#exchanges.close();
    await this.#webSockets.close();
    const giveUp = setTimeout(() => {
      this.#webSockets.terminate();
      this.#http.closeAllConnections();
    }, CLOSE_TIMEOUT_MS);
    await stopped;
    clearTimeout(giveUp);
    await this.#webSockets.gone();
    clearInterval(this.#looks);
  }

  async #show(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pingMs, pongMs } = this.#parts.limits;
    await turnOf(response, pingMs + pongMs);
    sendPage(request, response, await this.#answer(request));
  }

  async #answer(request: IncomingMessage): Promise<Page> {
    const path = pathOf(request);
    try {
      checkHead(request);
      // Health checks come before the Host check: probes use any address.
      if (path === "/healthz") return jsonPage(200, { status: "live" });
      if (path === "/readyz")
        return jsonPage(this.#draining ? 503 : 200, { status: this.#draining ? "draining" : "ready" });
      checkSource(sourceOf(request), this.#parts.origins);
      const page = await this.#parts.page({
        method: request.method ?? "GET",
        path,
        query: queryOf(request),
        headers: request.headers,
        remoteAddress: this.#proxies.clientOf(request),
      });
      if (page) return page;
      if (this.#webSockets.serves(path))
        return errorPage(426, "this path requires a WebSocket", { upgrade: "websocket" });
      throw new GatewayError("not_found");
    } catch (error) {
      return refusalPage(this.#refused(error, this.#proxies.clientOf(request), "http"));
    }
  }

  /** Turns anything thrown into a refusal and reports it, except not_found: browsers request many missing pages. */
  #refused(thrown: unknown, remoteAddress = "", where: string): GatewayError {
    const { observer } = this.#parts;
    const refusal = toGatewayError(thrown);
    const { code, setting, cause } = refusal;
    if (code === "internal") observer.fault(cause, where);
    if (code !== "not_found") observer.refused({ code, remoteAddress, where, setting });
    return refusal;
  }
}
