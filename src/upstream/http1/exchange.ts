import type { ByteString } from "../../core/kernel/byte-string.ts";
import { type GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { ResponseBody } from "../body/response-body.ts";
import type { ResponseHead } from "../policy/response.ts";
import type { RunningTime } from "../policy/running-time.ts";
import { connectionError, type Stage } from "./connection-error.ts";
import type { Connections, SocketWaiter } from "./connections.ts";
import type { SocketUser } from "./socket-user.ts";
import type { UpstreamSocket } from "./upstream-socket.ts";

/** The owner of one exchange. It hears at most one of `broke` and the body's end, and nothing after that. */
export interface ExchangeOwner {
  /** The request is being written to a connection. */
  connected(): void;
  /** The final head arrived. Returns the receiver of the body, or undefined to discard it. */
  responded(head: ResponseHead): ResponseBody | undefined;
  broke(error: GatewayError, stage: Stage): void;
  /** The connection takes more of a body that follows. */
  drained?(): void;
}

/** A request. `body`: all of it; or undefined, if there is none or it follows by `write`. */
export interface ExchangeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** The bytes of a body that follows, if they are known; `chunked` if not. */
  readonly follows?: number | "chunked" | undefined;
}

/** Which connections may serve an exchange: any; one that has served no other request; the same, because that was closed. */
export type Fresh = "any" | "new" | "stale";

/** One HTTP request and its response. It can be stopped at any moment, even from its own callbacks. */
export class Exchange implements SocketWaiter, SocketUser {
  readonly #owner: ExchangeOwner;
  readonly #connections: Connections;
  readonly #time: RunningTime;
  readonly wantsNew: boolean;
  readonly foundStale: boolean;
  #request: ByteString = "";
  #isWhole = true;
  #socket: UpstreamSocket | undefined;
  #body: ResponseBody | undefined;
  #stage: Stage = "connecting";
  #over = false;
  #paused = false;
  /** Cancels the time limit while the body is being discarded. */
  #finishing: (() => void) | undefined;

  constructor(owner: ExchangeOwner, connections: Connections, time: RunningTime, fresh: Fresh) {
    this.#owner = owner;
    this.wantsNew = fresh !== "any";
    this.foundStale = fresh === "stale";
    this.#connections = connections;
    this.#time = time;
  }

  start(request: ExchangeRequest): void {
    const { body, follows } = request;
    const bytes = body === undefined ? 0 : Buffer.byteLength(body);
    const isAscii = bytes === body?.length;
    this.#request =
      this.#connections.head(request, follows ?? (body === undefined ? "none" : bytes)) +
      (body === undefined || isAscii ? (body ?? "") : Buffer.from(body).toString("latin1"));
    this.#isWhole = follows === undefined;
    this.#connections.ask(this);
  }

  /** Sends a part of a body that follows. Returns false if the next one should wait until the owner is `drained`. */
  write(bytes: Buffer | ByteString, isLast: boolean): boolean {
    return this.#socket?.write(bytes, isLast) ?? false;
  }

  pause(): void {
    this.#paused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket?.resume();
  }

  /** Closes the socket, or stops waiting for one. The owner hears nothing more. */
  abort(): void {
    if (this.#over) return;
    const socket = this.#socket;
    this.#leave();
    socket?.destroy();
  }

  /** Discards the rest of the body so that the connection can be reused; aborts after `graceMs`. */
  finish(graceMs: number): void {
    if (this.#stage !== "answering") this.abort();
    if (this.#over) return;
    this.#body = undefined;
    this.resume();
    this.#finishing = this.#time.after(graceMs, () => this.abort());
  }

  /** Ends the body with what has arrived so far. */
  endBody(): void {
    try {
      this.#body?.end();
    } catch (fault) {
      this.#failed(fault);
    }
  }

  // ── as one that waits for a socket ────────────────────────────────────────────────────────────────────────────────

  take(socket: UpstreamSocket): void {
    this.#socket = socket;
    this.#stage = "waiting";
    if (this.#paused) socket.pause();
    socket.send(this.#request, this, this.#isWhole);
    this.#request = "";
    this.#owner.connected();
  }

  refused(error: Error): void {
    this.broke(error);
  }

  // ── as the socket's user ──────────────────────────────────────────────────────────────────────────────────────────

  head(head: ResponseHead): void {
    if (this.#over) return;
    this.#stage = "answering";
    try {
      this.#body = this.#owner.responded(head);
    } catch (fault) {
      this.#failed(fault);
    }
  }

  data(bytes: ByteString): void {
    if (this.#over) return;
    try {
      this.#body?.data(bytes);
    } catch (fault) {
      this.#failed(fault);
    }
  }

  drained(): void {
    if (!this.#over) this.#owner.drained?.();
  }

  ended(): void {
    if (this.#over) return;
    this.#leave();
    this.endBody();
  }

  broke(error: Error): void {
    if (this.#over) return;
    const unheard = this.#finishing !== undefined;
    const stage = this.#stage === "waiting" && this.#socket?.isStale ? "stale" : this.#stage;
    this.#leave();
    if (!unheard) this.#owner.broke(connectionError(error, stage), stage);
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** An exception of the body's receiver is our fault, not the connection's. */
  #failed(fault: unknown): void {
    this.abort();
    this.#owner.broke(toGatewayError(fault), this.#stage);
  }

  #leave(): void {
    this.#over = true;
    this.#socket = undefined;
    this.#request = "";
    this.#connections.forget(this);
    this.#finishing?.();
  }
}
