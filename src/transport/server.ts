import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Caller } from "../core/caller/caller.ts";
import { GatewayError, toGatewayError } from "../core/kernel/errors.ts";
import { Admission } from "./admit/admission.ts";
import { checkSource } from "./admit/origin.ts";
import { madeRoom, noRoom, PendingSockets } from "./admit/pending-sockets.ts";
import { Proxies } from "./admit/proxies.ts";
import { Exchanges } from "./http/exchanges.ts";
import { type Accepting, acceptSockets } from "./http/handed-sockets.ts";
import { healthPage, type Readiness } from "./http/health-pages.ts";
import { ALL_FIELDS, limitRequests, SLOW_REQUEST_LIMITS } from "./http/listener.ts";
import { errorPage, type Page, refusalPage, sendPage, slashPage, turnOf } from "./http/page.ts";
import { checkHead } from "./http/request-head.ts";
import { LINGER_MS, SlowRequests } from "./http/slow-requests.ts";
import { afterPrefix, pathOf, queryOf, sourceOf } from "./http/target.ts";
import { Nodes } from "./nodes/nodes.ts";
import type { RunningServer, ServerParts } from "./server-parts.ts";
import { asksForWebSocket } from "./ws/upgrade-required.ts";
import { CLOSE_TIMEOUT_MS, WebSockets } from "./ws/web-sockets.ts";

/** Sockets besides `limits.connections`, for those that are not WebSockets yet, or never will be. */
const PLAIN_SOCKETS = 256;
const LOOK_MS = 1_000;

/** Starts listening. Rejects, with everything closed, when an address cannot be bound. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const gateway = new GatewayServer(parts);
  try {
    await gateway.listen();
    return gateway;
  } catch (error) {
    await gateway.close();
    throw error;
  }
}

class GatewayServer implements RunningServer {
  readonly #parts: ServerParts;
  readonly #http: Server;
  readonly #webSockets: WebSockets;
  readonly #exchanges: Exchanges;
  readonly #proxies: Proxies;
  readonly #looks: NodeJS.Timeout;
  readonly #nodes: Nodes;
  #accepting: Accepting | undefined;
  #draining = false;
  /** Resolves when all connections have closed, once no more are taken. */
  #left: Promise<void> | undefined;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    const proxies = new Proxies(parts.trustedProxies ?? []);
    this.#proxies = proxies;
    const admission = new Admission(parts);
    const pendingSockets = new PendingSockets({
      ...parts,
      isShared: (socket) => proxies.isShared(socket),
      addressOf: (socket) => proxies.addressOf(socket),
      closed: (address) => this.#refused(madeRoom(), address, "accept"),
    });
    this.#webSockets = new WebSockets({
      ...parts,
      speaksHttp: (path) => this.#exchanges.serves(path),
      admission,
      pendingSockets,
      proxies,
    });
    this.#nodes = new Nodes({
      ...parts,
      pendingSockets,
      proxies,
      refused: (thrown, address, where) => this.#refused(thrown, address, where),
    });
    const slowRequests = new SlowRequests({ pace: parts.inbound.pace, lingerMs: LINGER_MS, now: parts.clock.now });
    this.#looks = setInterval(() => slowRequests.look(), parts.lookMs ?? LOOK_MS).unref();
    this.#exchanges = new Exchanges({ ...parts, admission, pendingSockets, proxies, slowRequests });
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      const asked = request.url;
      const rest = afterPrefix(request, parts.basePath);
      if (rest?.startsWith("/") === false) return sendPage(request, response, slashPage(parts.basePath, rest));
      request.url = rest ?? request.url;
      // A later request on a kept connection would be lost when the process ends.
      if (this.#draining) response.shouldKeepAlive = false;
      slowRequests.watch(request, response);
      if (this.#exchanges.take(request, response)) return;
      this.#nodes.take(request, response, () => void this.#show(request, response), asked);
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
      const asked = request.url;
      const rest = afterPrefix(request, parts.basePath);
      if (rest !== undefined) request.url = rest.startsWith("/") ? rest : `/${rest}`;
      this.#nodes.upgrade(request, socket, head, () => this.#webSockets.upgrade(request, socket, head), asked);
    });
  }

  get url(): string {
    return this.#accepting?.url ?? "";
  }

  get connectionsByFace(): ReadonlyMap<string, number> {
    return new Map([...this.#webSockets.connectionsByFace, ...this.#exchanges.connectionsByFace]);
  }

  get nodePort(): number | undefined {
    return this.#nodes.port;
  }

  get forwarded(): number {
    return this.#nodes.forwarded;
  }

  async listen(): Promise<void> {
    this.#accepting = await acceptSockets(this.#http, this.#parts);
    await this.#nodes.listen(this.#http);
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
    this.#nodes.drain();
    this.#webSockets.drain();
  }

  leave(): void {
    this.#left ??= this.#accepting?.close();
  }

  async close(): Promise<void> {
    this.drain();
    this.#nodes.close();
    this.leave();
    this.#http.closeIdleConnections();
    this.#exchanges.close();
    await this.#webSockets.close();
    const giveUp = setTimeout(() => {
      this.#webSockets.terminate();
      this.#http.closeAllConnections();
    }, CLOSE_TIMEOUT_MS);
    await this.#left;
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
      const health = healthPage(path, this.#draining, () => this.#readiness(request));
      if (health) return health;
      if (!this.#proxies.isForwarded(request.socket)) checkSource(sourceOf(request), this.#parts.origins);
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

  #readiness(request: IncomingMessage): Readiness {
    const { readiness } = this.#parts;
    return readiness?.(request.headers, this.#proxies.clientOf(request)) ?? { isReady: true, details: {} };
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
