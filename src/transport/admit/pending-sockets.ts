import type { Socket } from "node:net";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { clientKey, isThisMachine } from "./client-address.ts";

/** Limits on unauthenticated sockets. */
export interface PendingSocketLimits {
  /** Concurrent sockets whose client has not authenticated yet: in total, and from one address. */
  readonly unauthenticatedSockets: number;
  readonly unauthenticatedSocketsPerAddress: number;
}

/** What the pending sockets depend on. */
export interface PendingSocketsParts {
  readonly limits: PendingSocketLimits;
  readonly clock: Clock;
  /** Whether many clients share the socket's address, as those behind a proxy do. */
  readonly isShared?: (socket: Socket) => boolean;
  /** The address of a socket's client; by default the socket's. */
  readonly addressOf?: (socket: Socket) => string;
  /** Called when a socket was closed to make room. */
  readonly closed: (remoteAddress: string) => void;
}

/** A socket is not closed before this age, so that a crowd that connects and authenticates at once is admitted. */
const UNDISTURBED_MS = 1_000;

interface PendingSocket {
  readonly socket: Socket;
  readonly key: string;
  readonly since: number;
}

/**
 * The sockets whose client is not authenticated yet. When there are too many, the oldest is closed, so that deliberately
 * slow clients displace each other rather than those that come after them.
 */
export class PendingSockets {
  readonly #parts: PendingSocketsParts;
  /** All, oldest first; and the same by address, except loopback's and proxies'. */
  readonly #pending = new Map<Socket, PendingSocket>();
  readonly #byAddress = new Map<string, Set<PendingSocket>>();

  constructor(parts: PendingSocketsParts) {
    this.#parts = parts;
  }

  /** How many sockets are pending. */
  get size(): number {
    return this.#pending.size;
  }

  /** Counts a new socket until it leaves or closes. */
  enter(socket: Socket): void {
    const { limits, clock } = this.#parts;
    const key = clientKey(this.#addressOf(socket));
    const pending = { socket, key, since: clock.now() };
    this.#pending.set(socket, pending);
    socket.once("close", () => this.leave(socket));
    this.#makeRoom(this.#pending, limits.unauthenticatedSockets);
    if (isThisMachine(key) || this.#parts.isShared?.(socket)) return;
    const neighbours = this.#byAddress.get(key) ?? new Set();
    this.#byAddress.set(key, neighbours.add(pending));
    this.#makeRoom(neighbours, limits.unauthenticatedSocketsPerAddress);
  }

  /** The socket's client has authenticated or disconnected. */
  leave(socket: Socket): void {
    const pending = this.#pending.get(socket);
    if (!pending) return;
    this.#pending.delete(socket);
    const neighbours = this.#byAddress.get(pending.key);
    neighbours?.delete(pending);
    if (neighbours?.size === 0) this.#byAddress.delete(pending.key);
  }

  #makeRoom(waiting: { readonly size: number; values(): Iterator<PendingSocket> }, limit: number): void {
    const undisturbed = this.#parts.clock.now() - UNDISTURBED_MS;
    while (waiting.size > limit) {
      const { value: oldest } = waiting.values().next();
      if (!oldest || oldest.since > undisturbed) return;
      this.leave(oldest.socket);
      oldest.socket.destroy();
      this.#parts.closed(this.#addressOf(oldest.socket) || oldest.key);
    }
  }

  #addressOf(socket: Socket): string {
    return this.#parts.addressOf?.(socket) ?? socket.remoteAddress ?? "";
  }
}

/** A socket is closed at once: there are as many as may be. */
export const noRoom = () => new GatewayError("overloaded", undefined, { setting: "limits.connections" });

/** A socket that has not identified its client makes room for another. */
export const madeRoom = () =>
  new GatewayError("handshake_timeout", undefined, { setting: "limits.sockets.unauthenticatedSockets" });
