import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { type ServerOptions, WebSocketServer } from "ws";
import { type Caller, requireScope } from "../../core/caller/caller.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Face } from "../../core/ports/face.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import { type Admission, COME_BACK_WITHIN_MS } from "../admit/admission.ts";
import type { Inbound } from "../admit/inbound.ts";
import { KeyConnections } from "../admit/key-connections.ts";
import { checkSource, type OriginRules } from "../admit/origin.ts";
import type { PendingSockets } from "../admit/pending-sockets.ts";
import type { Proxies } from "../admit/proxies.ts";
import { offeredSubprotocols } from "../auth/credentials.ts";
import { identify, identifyEarly, upstreamKeyOf } from "../auth/identity.ts";
import type { Tickets } from "../auth/tickets.ts";
import { errorPage, refusalPage, refuseUpgrade } from "../http/page.ts";
import { checkHead } from "../http/request-head.ts";
import { pathOf, queryOf, sourceOf } from "../http/target.ts";
import { SocketConnection } from "./connection.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { checkHandshake, speaksHttp, UpgradeRequired } from "./upgrade-required.ts";

/** A face, and the path it is served at. */
export interface FaceMount {
  readonly path: string;
  /** If set, clients must offer it, and it is selected. */
  readonly subprotocol?: string;
  /** If set and offered, it is selected: browsers that offer any, such as one with a token, want one back. */
  readonly optionalSubprotocol?: string;
  readonly face: Face;
}

/** What the WebSockets depend on. */
export interface WebSocketsParts {
  readonly faces: readonly FaceMount[];
  /** Whether an HTTP face serves the path. */
  readonly speaksHttp: (path: string) => boolean;
  readonly admission: Admission;
  readonly pendingSockets: PendingSockets;
  readonly authenticator: Authenticator;
  readonly tickets?: Tickets | undefined;
  readonly proxies: Proxies;
  readonly origins: OriginRules;
  readonly limits: ConnectionLimits & { readonly connectionsPerKey: number };
  readonly inbound: Inbound;
  /** The current read of an upstream, at whose end frames are written. */
  readonly reads: ReadTurn;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly newId: () => string;
}

/** How long a closing handshake may take. */
export const CLOSE_TIMEOUT_MS = 2_000;

/** Sockets are closed in batches with a pause between them, so that clients do not reconnect all at once. */
const CLOSE_BATCH = 100;
const CLOSE_PAUSE_MS = 50;

/** How often the heartbeat checks within a `pongMs`. */
const LOOKS_PER_PONG = 10;

/** The server's WebSockets: admits upgrades, keeps the heartbeat, closes connections. */
export class WebSockets {
  readonly #parts: WebSocketsParts;
  readonly #mounts: ReadonlyMap<string, { mount: FaceMount; acceptor: WebSocketServer }>;
  readonly #connections = new Set<SocketConnection>();
  readonly #keyConnections: KeyConnections;
  readonly #heartbeat: NodeJS.Timeout;
  #beatAt: number;
  #draining = false;
  #emptied: () => void = () => {};

  constructor(parts: WebSocketsParts) {
    this.#parts = parts;
    this.#mounts = new Map(parts.faces.map((mount) => [mount.path, { mount, acceptor: acceptorFor(mount) }]));
    this.#keyConnections = new KeyConnections(parts.limits);
    this.#beatAt = parts.clock.now();
    // setImmediate runs after reads: data that arrived while the loop was blocked counts before a peer counts as silent.
    const look = () => void setImmediate(() => this.#beat());
    this.#heartbeat = setInterval(look, parts.limits.pongMs / LOOKS_PER_PONG).unref();
  }

  /** Open WebSockets by face. */
  get connectionsByFace(): ReadonlyMap<string, number> {
    const counts = new Map(this.#parts.faces.map(({ face }) => [face.name, 0]));
    for (const { face } of this.#connections) counts.set(face, (counts.get(face) ?? 0) + 1);
    return counts;
  }

  /** Whether a face serves WebSockets on this path. */
  serves(path: string): boolean {
    return this.#mounts.has(path);
  }

  /** Refuses new WebSockets, but for forwarded ones, which have nowhere else to go, and tells all clients when to reconnect. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections) {
      // Spread over time, so that they do not all reach the next gateway at once.
      connection.goingAway(Math.floor(Math.random() * COME_BACK_WITHIN_MS));
    }
  }

  /** Starts the closing handshake on every socket; resolves when the last one has started. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    const open = [...this.#connections];
    while (open.length > 0) {
      for (const connection of open.splice(0, CLOSE_BATCH)) connection.closeFor("shutting_down");
      if (open.length > 0) await setTimeout(CLOSE_PAUSE_MS);
    }
  }

  /** Closes the sockets of callers that are no longer `isCurrent`. */
  recheck(isCurrent: (caller: Caller) => boolean): void {
    for (const connection of this.#connections) {
      if (connection.caller && !isCurrent(connection.caller)) connection.closeFor("unauthorized");
    }
  }

  /** Resolves when the last connection has closed and been reported, which ws does later than the server. */
  async gone(): Promise<void> {
    if (this.#connections.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve));
  }

  /** Ends all sockets without closing handshakes. */
  terminate(): void {
    for (const connection of this.#connections) connection.terminate();
  }

  /** Accepts or refuses an upgrade. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const remoteAddress = this.#parts.proxies.clientOf(request);
    const known: { caller?: Caller } = {};
    try {
      const { mount, acceptor, caller, upstreamKey } = this.#admit(request, remoteAddress, known);
      acceptor.handleUpgrade(request, socket, head, (ws) => {
        const leave = this.#parts.admission.enter(remoteAddress);
        let leaveKey = () => {};
        // Stays undefined when the face throws.
        let connection: SocketConnection | undefined;
        connection = new SocketConnection({
          id: `c_${this.#parts.newId()}`,
          ws,
          socket,
          face: mount.face,
          caller,
          upstreamKey,
          remoteAddress,
          origin: request.headers.origin,
          limits: this.#parts.limits,
          inbound: this.#parts.inbound,
          reads: this.#parts.reads,
          clock: this.#parts.clock,
          observer: this.#parts.observer,
          known: (known) => {
            this.#parts.pendingSockets.leave(request.socket);
            this.#keyConnections.check(known);
            leaveKey = this.#keyConnections.enter(known);
          },
          closed: () => {
            leave();
            leaveKey();
            if (connection) this.#connections.delete(connection);
            if (this.#connections.size === 0) this.#emptied();
          },
        });
        this.#connections.add(connection);
      });
    } catch (error) {
      const refusal = toGatewayError(error);
      if (refusal.code === "internal") this.#parts.observer.fault(refusal.cause, "upgrade");
      const { code, setting } = refusal;
      this.#parts.observer.refused({ code, remoteAddress, where: "upgrade", caller: known.caller?.name, setting });
      refuseUpgrade(
        socket,
        refusal instanceof UpgradeRequired ? errorPage(426, refusal.message, refusal.headers) : refusalPage(refusal),
      );
    }
  }

  /** All checks before the WebSocket exists. Throws GatewayError. */
  #admit(request: IncomingMessage, remoteAddress: string, known: { caller?: Caller }) {
    const { admission, origins, proxies } = this.#parts;
    if (this.#draining && !proxies.isForwarded(request.socket)) throw new GatewayError("shutting_down");
    admission.takeUpgrade(remoteAddress);
    checkHead(request);
    if (!proxies.isForwarded(request.socket)) checkSource(sourceOf(request), origins);
    const path = pathOf(request);
    const target = this.#mounts.get(path);
    if (!target) throw this.#parts.speaksHttp(path) ? speaksHttp() : new GatewayError("not_found");
    checkHandshake(request);
    const { subprotocol, face } = target.mount;
    if (subprotocol !== undefined && !offeredSubprotocols(request.headers).includes(subprotocol)) {
      throw new GatewayError("bad_protocol_version", `the WebSocket subprotocol ${subprotocol} must be offered`);
    }
    admission.checkRoom(remoteAddress);
    if (face.authentication === "frame") return { ...target, caller: undefined, upstreamKey: upstreamKeyOf(request) };
    const identity =
      face.authentication === "either"
        ? identifyEarly(request, queryOf(request).get("ticket") ?? undefined, remoteAddress, this.#parts)
        : identify(request, remoteAddress, this.#parts);
    if (!identity) return { ...target, caller: undefined, upstreamKey: upstreamKeyOf(request) };
    known.caller = identity.caller;
    requireScope(identity.caller, face.scope);
    this.#keyConnections.check(identity.caller);
    return { ...target, ...identity };
  }

  #beat(): void {
    const now = this.#parts.clock.now();
    const stalled = now - this.#beatAt > this.#parts.limits.pongMs;
    this.#beatAt = now;
    for (const connection of this.#connections) {
      if (stalled) connection.forgiveSilence(now);
      else connection.heartbeat(now);
    }
  }
}

function acceptorFor(mount: FaceMount): WebSocketServer {
  // The types of ws lack some of its options.
  const options: ServerOptions & { maxPendingAutoPongs: number; closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    // Compression costs latency and memory, and the lengths of compressed tokens leak text.
    perMessageDeflate: false,
    maxPayload: mount.face.maxFrameBytes,
    // Intake limits bytes, rate and time. The number of pieces depends on the network and the client's library.
    maxFragments: 0,
    maxBufferedChunks: 0,
    // Above InboundRate's burst, so that a client over that limit is told why.
    maxPendingAutoPongs: 32,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // By default ws selects the first subprotocol offered, which may carry the token.
    handleProtocols: (offered) => {
      const { subprotocol, optionalSubprotocol } = mount;
      if (optionalSubprotocol !== undefined && offered.has(optionalSubprotocol)) return optionalSubprotocol;
      return subprotocol ?? false;
    },
  };
  return new WebSocketServer(options);
}
