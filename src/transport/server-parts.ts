import type { IncomingMessage } from "node:http";
import type { Clock } from "../core/kernel/clock.ts";
import type { Authenticator } from "../core/ports/authenticator.ts";
import type { HttpFace } from "../core/ports/http-face.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { ReadTurn } from "../core/stream/read-turn.ts";
import type { AdmissionLimits } from "./admit/admission.ts";
import type { Inbound } from "./admit/inbound.ts";
import type { OriginRules } from "./admit/origin.ts";
import type { PendingSocketLimits } from "./admit/pending-sockets.ts";
import type { Tickets } from "./auth/tickets.ts";
import type { SocketSource } from "./http/handed-sockets.ts";
import type { Readiness } from "./http/health-pages.ts";
import type { SLOW_REQUEST_LIMITS } from "./http/listener.ts";
import type { Page } from "./http/page.ts";
import type { Neighbours } from "./nodes/nodes.ts";
import type { ConnectionLimits } from "./ws/connection-limits.ts";
import type { FaceMount } from "./ws/web-sockets.ts";

/** A request for a page. */
export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly remoteAddress: string;
}

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
  /** The other nodes of its cluster; undefined: it is alone. */
  readonly neighbours?: Neighbours | undefined;
  /** Whether `/readyz` calls for work, by default always, and what it shows to whoever asks. Never throws. */
  readonly readiness?: (headers: IncomingMessage["headers"], remoteAddress: string) => Readiness;
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
  /** The port that other nodes forward clients to. */
  readonly nodePort: number | undefined;
  /** WebSockets that are passed on to other nodes now. */
  readonly forwarded: number;
  /** Open WebSockets, and HTTP exchanges whose response is not finished, by face. */
  readonly connectionsByFace: ReadonlyMap<string, number>;
  /** Closes the WebSockets and ends the exchanges of callers whose credentials are no longer valid. */
  recheck(): void;
  /**
   * Begins to stop: `/readyz` responds 503, upgrades are refused with 503, every response ends its connection, and every
   * WebSocket is told when to reconnect. The server keeps listening.
   */
  drain(): void;
  /** Takes no more connections; those that exist go on. */
  leave(): void;
  /** Starts the closing handshake on every socket, waits for them for a moment, and closes. */
  close(): Promise<void>;
}
