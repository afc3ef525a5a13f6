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
import { identify, upstreamKeyOf } from "../auth/identity.ts";
import type { Tickets } from "../auth/tickets.ts";
import { errorPage, refusalPage, refuseUpgrade } from "../http/page.ts";
import { checkHead } from "../http/request-head.ts";
import { pathOf, sourceOf } from "../http/target.ts";
import { type ConnectionLimits, SocketConnection } from "./connection.ts";
import { checkHandshake, speaksHttp, UpgradeRequired } from "./upgrade-required.ts";

export interface FaceMount {
  readonly path: string;
  /** When set, clients must offer it and it is the one that is chosen. */
  readonly subprotocol?: string;
  readonly face: Face;
}

export interface WebSocketsParts {
  readonly faces: readonly FaceMount[];
  /** Whether a path that is no WebSocket's is an HTTP API's. */
  readonly speaksHttp: (path: string) => boolean;
  readonly admission: Admission;
  readonly pendingSockets: PendingSockets;
  readonly authenticator: Authenticator;
  readonly tickets?: Tickets | undefined;
  readonly proxies: Proxies;
  readonly origins: OriginRules;
  readonly limits: ConnectionLimits & { readonly connectionsPerKey: number };
  readonly inbound: Inbound;
  /** Reads of upstreams, behind which frames leave. */
  readonly reads: ReadTurn;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly newId: () => string;
}

/** How long a socket gets for its closing handshake. */
export const CLOSE_TIMEOUT_MS = 2_000;

/** So many sockets get their goodbye at once, the next ones after a pause: their clients come back spread. */
const CLOSE_BATCH = 100;
const CLOSE_PAUSE_MS = 50;

/** The heartbeat looks so often within a `pongMs`. */
const LOOKS_PER_PONG = 10;

/** The server's WebSocket side: which upgrades become connections, their heartbeat, their goodbye. */
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
    this.#keyConnections = new KeyConnections(parts.limits.connectionsPerKey);
    this.#beatAt = parts.clock.now();
    // setImmediate comes after reading: what arrived while the loop stood still counts before anybody is judged silent.
    const look = () => void setImmediate(() => this.#beat());
    this.#heartbeat = setInterval(look, parts.limits.pongMs / LOOKS_PER_PONG).unref();
  }

  get connectionsByFace(): ReadonlyMap<string, number> {
    const counts = new Map(this.#parts.faces.map(({ face }) => [face.name, 0]));
    for (const { face } of this.#connections) counts.set(face, (counts.get(face) ?? 0) + 1);
    return counts;
  }

  /** Whether a WebSocket could be opened on this path. */
  serves(path: string): boolean {
    return this.#mounts.has(path);
  }

  /** Lets nobody in any more, and tells everybody to come back. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections) {
      // Spread, so that the next gateway is not hit by all of them at once.
      connection.goingAway(Math.floor(Math.random() * COME_BACK_WITHIN_MS));
    }
  }

  /** Begins the closing handshake on every socket; resolves when it has begun on the last. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    const open = [...this.#connections];
    while (open.length > 0) {
      for (const connection of open.splice(0, CLOSE_BATCH)) connection.closeFor("shutting_down");
      if (open.length > 0) await setTimeout(CLOSE_PAUSE_MS);
    }
  }

  /** Closes the sockets of callers that `isCurrent` says may no longer be here. */
  recheck(isCurrent: (caller: Caller) => boolean): void {
    for (const connection of this.#connections) {
      if (connection.caller && !isCurrent(connection.caller)) connection.closeFor("unauthorized");
    }
  }

  /** Resolves when the last connection is gone, and was told of: ws hears of it later than the server. */
  async gone(): Promise<void> {
    if (this.#connections.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve));
  }

  terminate(): void {
    for (const connection of this.#connections) connection.terminate();
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const remoteAddress = this.#parts.proxies.clientOf(request);
    try {
      const { mount, acceptor, caller, upstreamKey } = this.#admit(request, remoteAddress);
      acceptor.handleUpgrade(request, socket, head, (ws) => {
        const leave = this.#parts.admission.enter(remoteAddress);
        let leaveKey = () => {};
        // Undefined for good when the face does not accept.
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
      this.#parts.observer.refused({ code: refusal.code, remoteAddress, where: "upgrade" });
      refuseUpgrade(
        socket,
        refusal instanceof UpgradeRequired ? errorPage(426, refusal.message, refusal.headers) : refusalPage(refusal),
      );
    }
  }

  /** Everything that can be said no to before a WebSocket exists. Throws GatewayError. */
  #admit(request: IncomingMessage, remoteAddress: string) {
    const { admission, origins } = this.#parts;
    if (this.#draining) throw new GatewayError("shutting_down");
    admission.takeUpgrade(remoteAddress);
    checkHead(request);
    checkSource(sourceOf(request), origins);
    const path = pathOf(request);
    const target = this.#mounts.get(path);
    if (!target) throw this.#parts.speaksHttp(path) ? speaksHttp() : new GatewayError("not_found");
    checkHandshake(request);
    const { subprotocol, face } = target.mount;
    if (subprotocol !== undefined && !offeredSubprotocols(request.headers).includes(subprotocol)) {
      throw new GatewayError("bad_protocol_version", `offer the WebSocket subprotocol ${subprotocol}`);
    }
    admission.checkRoom(remoteAddress);
    if (face.authentication === "frame") return { ...target, caller: undefined, upstreamKey: upstreamKeyOf(request) };
    const identity = identify(request, remoteAddress, this.#parts);
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
  // The types of ws lag behind its options.
  const options: ServerOptions & { maxPendingAutoPongs: number; closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    // Compression costs latency and memory, and the lengths of compressed tokens leak their text.
    perMessageDeflate: false,
    maxPayload: mount.face.maxFrameBytes,
    // Bytes, rate and time are bounded, in Intake; how they are cut is the network's doing, and the client's library's.
    maxFragments: 0,
    maxBufferedChunks: 0,
    // More than may come at once (InboundRate): who sends more is told why, not cut off.
    maxPendingAutoPongs: 32,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // Without this ws picks the first one offered, which may be the one that carries the token.
    handleProtocols: () => mount.subprotocol ?? false,
  };
  return new WebSocketServer(options);
}
