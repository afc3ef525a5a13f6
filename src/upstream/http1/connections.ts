import { isIP } from "node:net";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import { addressNotAllowed, isPublicAddress, publicLookup } from "../policy/address-guard.ts";
import type { RunningTime } from "../policy/running-time.ts";
import { type SocketOwner, type SocketTarget, UpstreamSocket } from "./upstream-socket.ts";

export interface ConnectionOptions {
  readonly origin: string;
  readonly maxConnections: number | undefined;
  readonly connectMs: number;
  readonly allowPrivateNetwork: boolean;
  /** Certificates to trust instead of the platform's, as PEM. */
  readonly ca: string | undefined;
  readonly time: RunningTime;
  /** Told of each read of a socket. */
  readonly reads: ReadTurn;
}

/** Whoever waits for a socket. */
export interface SocketWaiter {
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
  readonly #connecting = new Set<UpstreamSocket>();
  /** They will be idle in a turn, or closed. */
  readonly #finishing = new Set<UpstreamSocket>();
  #idle: UpstreamSocket[] = [];
  #isClosed = false;

  constructor({ origin, maxConnections, connectMs, allowPrivateNetwork, ca, time, reads }: ConnectionOptions) {
    const { protocol, hostname, host, port } = new URL(origin);
    const isSecure = protocol === "https:";
    const name = hostname.replace(/^\[(.*)\]$/, "$1");
    const isAddress = isIP(name) !== 0;
    this.#host = host;
    this.#max = maxConnections ?? Number.POSITIVE_INFINITY;
    // A literal address is never looked up.
    if (!allowPrivateNetwork && isAddress && !isPublicAddress(name)) this.#refusal = addressNotAllowed();
    this.#target = {
      host: name,
      port: Number(port) || (isSecure ? 443 : 80),
      tls: isSecure ? { servername: isAddress ? "" : name, ca, session: undefined } : undefined,
      lookup: allowPrivateNetwork ? undefined : publicLookup,
      connectMs,
      time,
      reads,
    };
  }

  /** Whether calls wait for one of the connections to become free. */
  get saturated(): boolean {
    return this.#waiting.size > this.#connecting.size;
  }

  /** A socket for one call: at once when one is idle. */
  ask(waiter: SocketWaiter): void {
    const refusal = this.#isClosed ? new GatewayError("shutting_down") : this.#refusal;
    const socket = refusal ? undefined : this.#nextIdle();
    if (refusal) waiter.refused(refusal);
    else if (socket) waiter.take(socket);
    else {
      this.#waiting.add(waiter);
      this.#connect();
    }
  }

  /** Waits no longer. A connection that is being made for it is there for the next call. */
  forget(waiter: SocketWaiter): void {
    this.#waiting.delete(waiter);
  }

  /** The head of a request with a body of so many bytes. Names and values have been checked. */
  head(path: string, headers: Readonly<Record<string, string>>, bodyBytes: number): ByteString {
    let head = `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nconnection: keep-alive\r\n`;
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    return `${head}content-length: ${bodyBytes}\r\n\r\n`;
  }

  /** Closes every socket now; running calls fail. */
  destroy(): Promise<void> {
    this.#isClosed = true;
    const waiting = [...this.#waiting];
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
    const [next] = this.#waiting;
    if (!next) this.#idle.push(socket);
    else {
      this.#waiting.delete(next);
      next.take(socket);
    }
  }

  gone(socket: UpstreamSocket, unmade: Error | undefined): void {
    this.#open.delete(socket);
    this.#idle = this.#idle.filter((idle) => idle !== socket);
    this.#connecting.delete(socket);
    this.#finishing.delete(socket);
    const [first] = this.#waiting;
    if (unmade && first && this.#lacking > 0) {
      this.#waiting.delete(first);
      first.refused(unmade);
    }
    this.#connect();
  }

  /** Calls for which no connection is on its way. */
  get #lacking(): number {
    return this.#waiting.size - this.#connecting.size - this.#finishing.size;
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
