import type { ByteString } from "../../core/kernel/byte-string.ts";
import { type GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { ResponseBody } from "../body/response-body.ts";
import type { ResponseHead } from "../policy/response.ts";
import type { RunningTime } from "../policy/running-time.ts";
import { connectionError, type Stage } from "./connection-error.ts";
import type { Connections, SocketWaiter } from "./connections.ts";
import type { SocketUser, UpstreamSocket } from "./upstream-socket.ts";

/** The owner of one exchange. It hears at most one of `broke` and the body's end, and nothing after that. */
export interface ExchangeOwner {
  /** The request is being written to a connection. */
  connected(): void;
  /** The final head arrived. Returns the receiver of the body, or undefined to discard it. */
  responded(head: ResponseHead): ResponseBody | undefined;
  broke(error: GatewayError, stage: Stage): void;
}

/** One HTTP request and its response. It can be stopped at any moment, even from its own callbacks. */
export class Exchange implements SocketWaiter, SocketUser {
  readonly #owner: ExchangeOwner;
  readonly #connections: Connections;
  readonly #time: RunningTime;
  readonly wantsNew: boolean;
  #request: ByteString = "";
  #socket: UpstreamSocket | undefined;
  #body: ResponseBody | undefined;
  #stage: Stage = "connecting";
  #over = false;
  #paused = false;
  /** Cancels the time limit while the body is being discarded. */
  #finishing: (() => void) | undefined;

  /** `wantsNew`: never use a connection that has served another request. */
  constructor(owner: ExchangeOwner, connections: Connections, time: RunningTime, wantsNew: boolean) {
    this.#owner = owner;
    this.wantsNew = wantsNew;
    this.#connections = connections;
    this.#time = time;
  }

  start(path: string, headers: Record<string, string>, body: string): void {
    const bytes = Buffer.byteLength(body);
    const isAscii = bytes === body.length;
    this.#request =
      this.#connections.head(path, headers, bytes) + (isAscii ? body : Buffer.from(body).toString("latin1"));
    this.#connections.ask(this);
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
    socket.send(this.#request, this);
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
