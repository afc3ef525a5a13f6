import type { Socket } from "node:net";
import type { Clock } from "../../core/kernel/clock.ts";
import { clientKey, isThisMachine } from "./client-address.ts";

export interface PendingSocketLimits {
  /** Sockets at once whose client has not yet shown that it may be here: in all, and from one address. */
  readonly unauthenticatedSockets: number;
  readonly unauthenticatedSocketsPerAddress: number;
}

export interface PendingSocketsParts {
  readonly limits: PendingSocketLimits;
  readonly clock: Clock;
  /** Whether many clients come from this address. */
  readonly isProxy?: (address: string) => boolean;
  /** A socket had to go. */
  readonly closed: (remoteAddress: string) => void;
}

/** So long nobody has to make room: a crowd that comes at once, and asks at once, is let in whole. */
const UNDISTURBED_MS = 1_000;

interface Visitor {
  readonly socket: Socket;
  readonly key: string;
  readonly since: number;
}

/**
 * Where sockets wait until their client is authenticated. When it is full the one that waited longest makes room, so
 * that clients that are slow on purpose push out each other and not those that come after them.
 */
export class PendingSockets {
  readonly #parts: PendingSocketsParts;
  /** All that wait, longest first; and the same by address, but for those of this machine. */
  readonly #visitors = new Map<Socket, Visitor>();
  readonly #byAddress = new Map<string, Set<Visitor>>();

  constructor(parts: PendingSocketsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#visitors.size;
  }

  enter(socket: Socket): void {
    const { limits, clock } = this.#parts;
    const key = clientKey(socket.remoteAddress ?? "");
    const visitor = { socket, key, since: clock.now() };
    this.#visitors.set(socket, visitor);
    socket.once("close", () => this.leave(socket));
    this.#makeRoom(this.#visitors, limits.unauthenticatedSockets);
    if (isThisMachine(key) || this.#parts.isProxy?.(socket.remoteAddress ?? "")) return;
    const neighbours = this.#byAddress.get(key) ?? new Set();
    this.#byAddress.set(key, neighbours.add(visitor));
    this.#makeRoom(neighbours, limits.unauthenticatedSocketsPerAddress);
  }

  /** The client of this socket is known now, or gone. */
  leave(socket: Socket): void {
    const visitor = this.#visitors.get(socket);
    if (!visitor) return;
    this.#visitors.delete(socket);
    const neighbours = this.#byAddress.get(visitor.key);
    neighbours?.delete(visitor);
    if (neighbours?.size === 0) this.#byAddress.delete(visitor.key);
  }

  #makeRoom(waiting: { readonly size: number; values(): Iterator<Visitor> }, limit: number): void {
    const undisturbed = this.#parts.clock.now() - UNDISTURBED_MS;
    while (waiting.size > limit) {
      const { value: oldest } = waiting.values().next();
      if (!oldest || oldest.since > undisturbed) return;
      this.leave(oldest.socket);
      oldest.socket.destroy();
      this.#parts.closed(oldest.socket.remoteAddress ?? oldest.key);
    }
  }
}
