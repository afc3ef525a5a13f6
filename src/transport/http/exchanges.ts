import type { IncomingMessage, ServerResponse } from "node:http";
import { type Caller, requireScope } from "../../core/caller/caller.ts";
import { type GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { HttpFace } from "../../core/ports/http-face.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Admission } from "../admit/admission.ts";
import type { Inbound } from "../admit/inbound.ts";
import { checkSource, type OriginRules, sharingHeaders } from "../admit/origin.ts";
import type { PendingSockets } from "../admit/pending-sockets.ts";
import type { Proxies } from "../admit/proxies.ts";
import { identify } from "../auth/identity.ts";
import { ServerExchange } from "./http-exchange.ts";
import { type Page, refusalPage, sendPage } from "./page.ts";
import { checkHead } from "./request-head.ts";
import type { SlowRequests } from "./slow-requests.ts";
import { fieldOf, meantPath, pathOf, sourceOf } from "./target.ts";

/** What the server's HTTP side is built from. */
export interface ExchangesParts {
  readonly httpFaces: readonly HttpFace[];
  readonly admission: Admission;
  readonly pendingSockets: PendingSockets;
  readonly authenticator: Authenticator;
  readonly proxies: Proxies;
  readonly origins: OriginRules;
  readonly limits: { readonly socketGateBytes: number; readonly pingMs: number; readonly pongMs: number };
  readonly inbound: Inbound;
  readonly slowRequests: SlowRequests;
  readonly observer: Observer;
  readonly newId: () => string;
}

/** The methods faces serve. */
const METHODS = ["GET", "POST", "DELETE"];

/** Routes requests to HTTP faces and keeps their exchanges. */
export class Exchanges {
  readonly #parts: ExchangesParts;
  /** Open exchanges, with the names of their faces. */
  readonly #open = new Map<ServerExchange, string>();

  constructor(parts: ExchangesParts) {
    this.#parts = parts;
  }

  get connectionsByFace(): ReadonlyMap<string, number> {
    const counts = new Map(this.#parts.httpFaces.map(({ name }) => [name, 0]));
    for (const name of this.#open.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
    return counts;
  }

  /** Ends every exchange. Until then, readers may resume streams even while the gateway drains. */
  close(): void {
    for (const exchange of this.#open.keys()) exchange.stop("shutting_down");
  }

  /** Ends the exchanges of callers for which `isCurrent` is false. */
  recheck(isCurrent: (caller: Caller) => boolean): void {
    for (const exchange of this.#open.keys()) if (!isCurrent(exchange.caller)) exchange.stop("unauthorized");
  }

  /** Whether a face serves the path with any method. */
  serves(path: string): boolean {
    const faces = METHODS.map((method) => this.#find(method, path)?.face);
    return faces.some((face) => face !== undefined && !face.isForMissing);
  }

  /** Handles a request if a face matches it; otherwise returns false. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    const asked = request.headers["access-control-request-method"];
    const isPreflight = request.method === "OPTIONS" && asked !== undefined;
    const method = isPreflight ? asked : (request.method ?? "GET");
    const found = this.#find(method, pathOf(request));
    if (!found) return false;
    const { face, path } = found;
    const { origins, observer } = this.#parts;
    const sharing = sharingHeaders(request.headers, origins);
    try {
      checkHead(request);
      checkSource(sourceOf(request), origins);
      if (isPreflight) {
        sendPage(request, response, preflightPage(method), { ...sharing, ...privateAccess(request, sharing) });
      } else this.#begin(face, path, request, response, sharing);
    } catch (error) {
      const refusal = toGatewayError(error);
      const remoteAddress = this.#parts.proxies.clientOf(request);
      if (refusal.code === "internal") observer.fault(refusal.cause, `face ${face.name}`);
      observer.refused({ code: refusal.code, remoteAddress, where: face.name });
      sendPage(request, response, refusalOf(face, refusal, request), sharing);
    }
    return true;
  }

  /** Admits the request and hands it to its face. Throws GatewayError if it is refused before that. */
  #begin(
    face: HttpFace,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    headers: Readonly<Record<string, string>>,
  ): void {
    const { admission, inbound, slowRequests, observer, limits, newId } = this.#parts;
    const remoteAddress = this.#parts.proxies.clientOf(request);
    const id = `c_${newId()}`;
    const caller = this.#admit(face, request, remoteAddress);
    const exchange = new ServerExchange({
      id,
      request,
      response,
      path,
      caller,
      // The names under which both vendors' clients report it; it finds the response's lines in the log.
      headers: { ...headers, "x-request-id": id, "request-id": id },
      gateBytes: limits.socketGateBytes,
      room: {
        came: (bytes, maxBytes) => inbound.countBody(caller, bytes, maxBytes),
        reserve: (bytes) => inbound.reserve(caller, remoteAddress, bytes),
      },
      handle: (work) => inbound.handle(() => caller, work),
      onTooSlow: (tooSlow) => slowRequests.onTooSlow(request, tooSlow),
      awaits: (isAwaited) => slowRequests.hold(request, !isAwaited),
      stallMs: limits.pingMs + limits.pongMs,
      refusal: (error) => refusalOf(face, error, request),
      refused: ({ code }) => observer.refused({ code, remoteAddress, where: face.name }),
      fault: (error) => observer.fault(error, `face ${face.name}`),
    });
    const leave = admission.enter(remoteAddress);
    this.#open.set(exchange, face.name);
    response.once("close", () => {
      leave();
      this.#open.delete(exchange);
    });
    exchange.begin(face);
  }

  /** The face for a path, or else for the corrected path. */
  #find(method: string, asked: string): { readonly face: HttpFace; readonly path: string } | undefined {
    const meant = meantPath(asked);
    const face = this.#parts.httpFaces.find(
      (each) => each.matches(method, asked) || (!each.isForMissing && each.matches(method, meant)),
    );
    return face && { face, path: face.matches(method, asked) ? asked : meant };
  }

  #admit(face: HttpFace, request: IncomingMessage, remoteAddress: string): Caller {
    this.#parts.admission.checkRoom(remoteAddress);
    const { caller } = identify(request, remoteAddress, this.#parts);
    this.#parts.pendingSockets.leave(request.socket);
    if (face.scope !== "any") requireScope(caller, face.scope ?? "streams");
    return caller;
  }
}

/** A refusal in the face's form or Sluice's own, marked as not cacheable. */
function refusalOf(face: HttpFace, error: GatewayError, request: IncomingMessage): Page {
  const own = face.refusal?.(error, { path: pathOf(request), header: (name) => fieldOf(request, name) });
  return own ? { ...own, headers: { "cache-control": "no-store", ...own.headers } } : refusalPage(error);
}

/** Lets a listed origin's page of the public web reach a private address (Chromium's Private Network Access). */
function privateAccess(
  { headers }: IncomingMessage,
  sharing: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const asks = headers["access-control-request-private-network"] === "true";
  return asks && Object.keys(sharing).length > 0 ? { "access-control-allow-private-network": "true" } : {};
}

/** The response to a CORS preflight. */
const preflightPage = (method: string): Page => ({
  status: 204,
  headers: {
    "access-control-allow-methods": method,
    // The vendors' clients send a dozen headers of their own. `authorization` must be named (Fetch standard, CORS).
    "access-control-allow-headers": "authorization, *",
  },
  body: "",
});
