import type { Dispatcher } from "undici";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import type { Stage } from "./connection-error.ts";
import { connectionError } from "./connection-error.ts";
import type { Connections } from "./connections.ts";
import type { ResponseHead } from "./response.ts";
import type { ResponseBody } from "./response-body.ts";

/** What the call hears of one exchange: at most one of `broke` and the body's end, and nothing after it. */
export interface ExchangeOwner {
  /** The request is being written to a connection. */
  connected(): void;
  /** The final head; who takes the body. */
  responded(head: ResponseHead): ResponseBody | undefined;
  broke(error: GatewayError, stage: Stage): void;
}

/** One HTTP request and its answer over undici, made safe to be stopped at any moment, also from its own callbacks. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #owner: ExchangeOwner;
  readonly #connections: Connections;
  #controller: Dispatcher.DispatchController | undefined;
  #body: ResponseBody | undefined;
  #stage: Stage = "connecting";
  #over = false;
  #paused = false;
  #settling: NodeJS.Timeout | undefined;

  constructor(owner: ExchangeOwner, connections: Connections) {
    this.#owner = owner;
    this.#connections = connections;
  }

  start(path: string, headers: Record<string, string>, body: string): void {
    this.#connections.dispatch({ method: "POST", path, headers, body }, this);
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  /** Takes effect after the running callback: undici's parser must not be woken from inside another's data. */
  resume(): void {
    this.#paused = false;
    queueMicrotask(() => {
      if (!this.#paused && !this.#over) this.#controller?.resume();
    });
  }

  /** Closes the socket now, or as soon as there is one. The owner hears nothing more. */
  abort(): void {
    if (this.#over) return;
    this.#finish();
    this.#controller?.abort(new GatewayError("cancelled"));
  }

  /** Lets the body end by itself, unheard, so that the connection can be used again; aborts after `graceMs`. */
  settle(graceMs: number): void {
    if (this.#stage !== "answering") this.abort();
    if (this.#over) return;
    this.#body = undefined;
    this.resume();
    this.#settling = setTimeout(() => this.abort(), graceMs).unref();
  }

  /** Takes what came of the body for all of it. */
  endBody(): void {
    this.#body?.end();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new GatewayError("cancelled"));
    else {
      if (this.#paused) controller.pause();
      this.#stage = "waiting";
      this.#owner.connected();
    }
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: ResponseHead["headers"]): void {
    // 1xx is not the answer yet.
    if (this.#over || status < 200) return;
    this.#stage = "answering";
    this.#body = this.#owner.responded({ status, headers });
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#over) this.#deliver(chunk);
  }

  onResponseEnd(): void {
    if (this.#connections.resetting) this.onResponseError();
    if (this.#over) return;
    this.#finish();
    this.#deliver(undefined);
  }

  onResponseError(_?: unknown, error?: Error): void {
    if (this.#over) return;
    const unheard = this.#settling !== undefined;
    this.#finish();
    if (unheard) return;
    // undici tells a reset as the end of the body, or as its cut, depending on how the body is delimited.
    const reset = !error || this.#connections.resetting;
    this.#owner.broke(reset ? new GatewayError("upstream_reset") : connectionError(error, this.#stage), this.#stage);
  }

  /** A chunk, or the end. A fault of whoever takes it is ours, not the connection's. */
  #deliver(chunk: Buffer | undefined): void {
    try {
      if (chunk) this.#body?.data(chunk);
      else this.#body?.end();
    } catch (fault) {
      this.abort();
      this.#owner.broke(toGatewayError(fault), this.#stage);
    }
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#settling);
  }
}
