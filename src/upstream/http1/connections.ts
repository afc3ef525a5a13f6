import { isIP } from "node:net";
import type { SecureContext } from "node:tls";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import { AddressGuard, type PrivateNetworks } from "../policy/address-guard.ts";
import type { RunningTime } from "../policy/running-time.ts";
import type { SocketTarget } from "./open-socket.ts";
import { type ProxyOptions, proxyPeer } from "./proxy-peer.ts";
import type { ReadPace } from "./read-pace.ts";
import { type SocketOwner, UpstreamSocket } from "./upstream-socket.ts";

/** Where a route's connections lead, how many there may be, and how long an idle one is kept. */
export interface ConnectionOptions {
  /** The route's name. */
  readonly route: string;
  readonly origin: string;
  readonly maxConnections: number | undefined;
  readonly connectMs: number;
  readonly keepAliveMs: number;
  readonly allowPrivateNetwork: PrivateNetworks;
  /** The certificates to trust; called only for https. */
  readonly trust: () => SecureContext;
  /** The HTTP proxy that leads to the upstream. */
  readonly proxy?: ProxyOptions | undefined;
  readonly time: RunningTime;
  /** Notified of each read of a socket. */
  readonly reads: ReadTurn;
  /** Shared by all routes. */
  readonly pace: ReadPace;
}

/** A call that waits for a socket. */
export interface SocketWaiter {
  /** Whether it needs a socket that has never been used or idle. */
  readonly wantsNew: boolean;
  /** Whether one that was idle has just turned out to be closed: the others probably are too. */
  readonly foundStale: boolean;
  /** Hands a socket over to this call. */
  take(socket: UpstreamSocket): void;
  /** There will be no socket. */
  refused(error: Error): void;
}

/** The connection pool of one upstream: one call at a time per socket, the most recently used first. */
export class Connections implements SocketOwner {
  readonly #target: SocketTarget;
  readonly #host: string;
  readonly #max: number;
  readonly #refusal: GatewayError | undefined;
  readonly #open = new Set<UpstreamSocket>();
  readonly #waiting = new Set<SocketWaiter>();
  /** Calls that need a new socket. */
  readonly #waitingForNew = new Set<SocketWaiter>();
  readonly #connecting = new Set<UpstreamSocket>();
  /** Sockets that will be idle or closed within a loop turn. */
  readonly #finishing = new Set<UpstreamSocket>();
  #idle: UpstreamSocket[] = [];
  #isClosed = false;
  /** Set once no new call comes: idle sockets are not kept then. */
  #emptied: (() => void) | undefined;

  constructor(options: ConnectionOptions) {
    const { route, origin, maxConnections, connectMs, keepAliveMs, allowPrivateNetwork, trust } = options;
    const { time, reads, pace } = options;
    const { protocol, hostname, host, port } = new URL(origin);
    const isSecure = protocol === "https:";
    const name = hostname.replace(/^\[(.*)\]$/, "$1");
    const isAddress = isIP(name) !== 0;
    this.#host = host;
    this.#max = maxConnections ?? Number.POSITIVE_INFINITY;
    const guard = new AddressGuard(route, allowPrivateNetwork);
    // A literal address is never looked up, so the guard must check it here.
    this.#refusal = isAddress ? guard.refusalOf(name) : undefined;
    const targetPort = Number(port) || (isSecure ? 443 : 80);
    this.#target = {
      host: name,
      port: targetPort,
      proxy: options.proxy && proxyPeer(options.proxy, `${hostname}:${targetPort}`, route),
      tls: isSecure ? { servername: isAddress ? "" : name, trust: trust(), session: undefined } : undefined,
      lookup: guard.lookup(),
      connectMs,
      keepAliveMs,
      time,
      reads,
      pace,
    };
  }

  /** Whether calls wait for a connection in use to become free. */
  get saturated(): boolean {
    return this.#waiting.size + this.#waitingForNew.size > this.#connecting.size;
  }

  /** Asks for a socket for one call; an idle one is handed over at once. */
  ask(waiter: SocketWaiter): void {
    const refusal = this.#isClosed ? new GatewayError("shutting_down") : this.#refusal;
    const hasNoRoom = waiter.wantsNew && this.#open.size >= this.#max;
    if (!refusal && (waiter.foundStale || hasNoRoom)) this.#closeIdle();
    const socket = refusal || waiter.wantsNew ? undefined : this.#nextIdle();
    if (refusal) waiter.refused(refusal);
    else if (socket) waiter.take(socket);
    else {
      (waiter.wantsNew ? this.#waitingForNew : this.#waiting).add(waiter);
      this.#connect();
    }
  }

  /** Withdraws a waiting call. A connection being made for it stays for the next call. */
  forget(waiter: SocketWaiter): void {
    this.#waiting.delete(waiter);
    this.#waitingForNew.delete(waiter);
  }

  /** The head of a request. `body`: its bytes, if they are known before. Names and values must be checked already. */
  head(
    { method, path, headers }: { method: string; path: string; headers: Readonly<Record<string, string>> },
    body: number | "chunked" | "none",
  ): ByteString {
    const connection = this.#target.keepAliveMs === 0 ? "close" : "keep-alive";
    let head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nconnection: ${connection}\r\n`;
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    if (body === "chunked") head += "transfer-encoding: chunked\r\n";
    else if (body !== "none") head += `content-length: ${body}\r\n`;
    return `${head}\r\n`;
  }

  /**
   * Closes idle sockets now, and each other one when its call has ended. Running calls may still ask for new ones.
   * `emptied` is called whenever none is open.
   */
  retire(emptied: () => void): void {
    this.#emptied = emptied;
    this.#closeIdle();
    if (this.#open.size === 0) emptied();
  }

  /** Closes every socket now; running calls fail with `shutting_down`. */
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
    // Within the limit, a new one may only fit in its place.
    else if (this.#emptied || (this.#lacking > 0 && this.#open.size >= this.#max)) socket.destroy();
    else this.#idle.push(socket);
  }

  gone(socket: UpstreamSocket, unmade: Error | undefined): void {
    this.#open.delete(socket);
    this.#idle = this.#idle.filter((idle) => idle !== socket);
    this.#connecting.delete(socket);
    this.#finishing.delete(socket);
    if (unmade && this.#lacking > 0) this.#takeWaiter(true)?.refused(unmade);
    this.#connect();
    if (this.#open.size === 0) this.#emptied?.();
  }

  /** How many calls no coming socket will serve. Calls that need a new one cannot use one that is finishing. */
  get #lacking(): number {
    const lackingNew = this.#waitingForNew.size - this.#connecting.size;
    return Math.max(lackingNew, lackingNew + this.#waiting.size - this.#finishing.size);
  }

  /** Takes the next call for a socket off the queue; a new socket goes first to calls that need one. */
  #takeWaiter(isNew: boolean): SocketWaiter | undefined {
    const [firstForNew] = isNew ? this.#waitingForNew : [];
    const [first] = this.#waiting;
    const next = firstForNew ?? first;
    if (next) this.forget(next);
    return next;
  }

  /** After one stale connection, the other idle ones are probably stale too. */
  #closeIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const socket of idle) socket.destroy();
  }

  #nextIdle(): UpstreamSocket | undefined {
    for (;;) {
      const socket = this.#idle.pop();
      if (!socket || socket.isUsable) return socket;
      // It is closing, or it expired at the upstream while this process or the machine was suspended.
      socket.destroy();
    }
  }

  /** Opens as many connections as waiting calls lack, within the limit. */
  #connect(): void {
    while (this.#lacking > 0 && this.#open.size < this.#max && !this.#isClosed) {
      const socket = new UpstreamSocket(this.#target, this);
      this.#open.add(socket);
      this.#connecting.add(socket);
    }
  }
}
