import { isIP } from "node:net";
import type { SecureContext } from "node:tls";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import { AddressGuard, type PrivateNetworks } from "../policy/address-guard.ts";
import type { RunningTime } from "../policy/running-time.ts";
import type { SocketTarget } from "./open-socket.ts";
import { type SocketOwner, UpstreamSocket } from "./upstream-socket.ts";

export interface ConnectionOptions {
  /** The route's name. */
  readonly route: string;
  readonly origin: string;
  readonly maxConnections: number | undefined;
  readonly connectMs: number;
  readonly keepAliveMs: number;
  readonly allowPrivateNetwork: PrivateNetworks;
  /** The certificates to trust; asked for with https only. */
  readonly trust: () => SecureContext;
  readonly time: RunningTime;
  /** Told of each read of a socket. */
  readonly reads: ReadTurn;
}

/** A call that waits for a socket. */
export interface SocketWaiter {
  /** Only a socket that has served no other call will do. */
  readonly wantsNew: boolean;
  /** It is theirs from here on. */
  take(socket: UpstreamSocket): void;
  /** There will be none. */
  refused(error: Error): void;
}

/** The sockets to one upstream: kept alive, one call at a time on each, the last used first. */
export class Connections implements SocketOwner {
  readonly #target: SocketTarget;
  readonly #host: string;
  readonly #max: number;
  readonly #refusal: GatewayError | undefined;
  readonly #open = new Set<UpstreamSocket>();
  readonly #waiting = new Set<SocketWaiter>();
  /** Those that take no used socket. */
  readonly #waitingForNew = new Set<SocketWaiter>();
  readonly #connecting = new Set<UpstreamSocket>();
  /** They will be idle in a turn, or closed. */
  readonly #finishing = new Set<UpstreamSocket>();
  #idle: UpstreamSocket[] = [];
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    const { route, origin, maxConnections, connectMs, keepAliveMs, allowPrivateNetwork, trust, time, reads } = options;
    const { protocol, hostname, host, port } = new URL(origin);
    const isSecure = protocol === "https:";
    const name = hostname.replace(/^\[(.*)\]$/, "$1");
    const isAddress = isIP(name) !== 0;
    this.#host = host;
    this.#max = maxConnections ?? Number.POSITIVE_INFINITY;
    const guard = new AddressGuard(route, allowPrivateNetwork);
    // A literal address is never looked up.
    this.#refusal = isAddress ? guard.refusalOf(name) : undefined;
    this.#target = {
      host: name,
      port: Number(port) || (isSecure ? 443 : 80),
      tls: isSecure ? { servername: isAddress ? "" : name, trust: trust(), session: undefined } : undefined,
      lookup: guard.lookup(),
      connectMs,
      keepAliveMs,
      time,
      reads,
    };
  }

  /** Whether calls wait for one of the connections to become free. */
  get saturated(): boolean {
    return this.#waiting.size + this.#waitingForNew.size > this.#connecting.size;
  }

  /** A socket for one call: at once when one is idle. */
  ask(waiter: SocketWaiter): void {
    const refusal = this.#isClosed ? new GatewayError("shutting_down") : this.#refusal;
    if (!refusal && waiter.wantsNew) this.#closeIdle();
    const socket = refusal ? undefined : this.#nextIdle();
    if (refusal) waiter.refused(refusal);
    else if (socket) waiter.take(socket);
    else {
      (waiter.wantsNew ? this.#waitingForNew : this.#waiting).add(waiter);
      this.#connect();
    }
  }

  /** Waits no longer. A connection that is being made for it is there for the next call. */
  forget(waiter: SocketWaiter): void {
    this.#waiting.delete(waiter);
    this.#waitingForNew.delete(waiter);
  }

  /** The head of a request with a body of so many bytes. Names and values have been checked. */
  head(path: string, headers: Readonly<Record<string, string>>, bodyBytes: number): ByteString {
    const connection = this.#target.keepAliveMs === 0 ? "close" : "keep-alive";
    let head = `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nconnection: ${connection}\r\n`;
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    return `${head}content-length: ${bodyBytes}\r\n\r\n`;
  }

  /** Closes every socket now; running calls fail. */
  destroy(): Promise<void> {
    this.#isClosed = true;
    const waiting = [...this.#waitingForNew, ...this.#waiting];
    this.#waitingForNew.clear();
    this.#waiting.clear();
    for (const waiter of waiting) waiter.refused(new GatewayError("shutting_down"));
    for (const socket of this.#open) socket.destroy(new GatewayError("shutting_down"));
    return Promise.resolve();
  }

  finishing(socket: UpstreamSocket): void {
    this.#finishing.add(socket);
  }

  free(socket: UpstreamSocket): void {
    this.#connecting.delete(socket);
    this.#finishing.delete(socket);
    const next = this.#takeWaiter(!socket.isReused);
    if (next) next.take(socket);
    // The limit may leave room for a new one only in its place.
    else if (this.#lacking > 0 && this.#open.size >= this.#max) socket.destroy();
    else this.#idle.push(socket);
  }

  gone(socket: UpstreamSocket, unmade: Error | undefined): void {
    this.#open.delete(socket);
    this.#idle = this.#idle.filter((idle) => idle !== socket);
    this.#connecting.delete(socket);
    this.#finishing.delete(socket);
    if (unmade && this.#lacking > 0) this.#takeWaiter(true)?.refused(unmade);
    this.#connect();
  }

  /** Calls for which no connection is on its way. Those that want a new one cannot count on one that is finishing. */
  get #lacking(): number {
    const lackingNew = this.#waitingForNew.size - this.#connecting.size;
    return Math.max(lackingNew, lackingNew + this.#waiting.size - this.#finishing.size);
  }

  /** The next call to get a socket, out of the queue: the first that lacks a new one, if this is new. */
  #takeWaiter(isNew: boolean): SocketWaiter | undefined {
    const [firstForNew] = isNew ? this.#waitingForNew : [];
    const [first] = this.#waiting;
    const next = firstForNew ?? first;
    if (next) this.forget(next);
    return next;
  }

  /** One connection turned out stale: those that were left alone as long have probably gone the same way. */
  #closeIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const socket of idle) socket.destroy();
  }

  #nextIdle(): UpstreamSocket | undefined {
    for (;;) {
      const socket = this.#idle.pop();
      if (!socket || socket.isUsable) return socket;
      // It is closing. Or the upstream has given it up while this process, or the machine with its timers, stood still.
      socket.destroy();
    }
  }

  /** As many connections as calls wait for, within the limit. */
  #connect(): void {
    while (this.#lacking > 0 && this.#open.size < this.#max && !this.#isClosed) {
      const socket = new UpstreamSocket(this.#target, this);
      this.#open.add(socket);
      this.#connecting.add(socket);
    }
  }
}
