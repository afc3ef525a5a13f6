import type { ByteString } from "../kernel/byte-string.ts";
import type { Clock } from "../kernel/clock.ts";
import { type GatewayError, toGatewayError } from "../kernel/errors.ts";
import type { Observer } from "../ports/observer.ts";
import {
  NO_PASS_THROUGH,
  type PassThroughCall,
  type PassThroughHead,
  type PassThroughPort,
  type PassThroughSink,
} from "../ports/pass-through.ts";
import type { Holdings } from "../relay/holdings.ts";
import { Stopwatch } from "../relay/stopwatch.ts";
import type { Terminal } from "../stream/terminal.ts";
import { type OpenPassThrough, upstreamRequest } from "./open-pass-through.ts";

/** Receives the response of a pass-through request in order, then exactly one of `end` and `failed`. */
export type PassThroughReader = Omit<PassThroughSink, "fail"> & {
  failed(error: GatewayError): void;
};

/** What a pass-through request is built from. */
export interface PassThroughParts {
  readonly upstream: PassThroughPort;
  readonly observer: Observer;
  readonly clock: Clock;
  /** Settled and released here. */
  readonly holdings: Holdings;
  /** Called once it is over. */
  readonly leave: () => void;
}

/** What the log line and the metrics name. */
type Facts = Pick<OpenPassThrough, "face" | "connection"> & {
  readonly caller: string;
  readonly route: string;
  readonly model: string | undefined;
  readonly path: string;
};

/** One pass-through request and its response. */
export class PassThrough implements PassThroughSink {
  readonly id: string;
  readonly #reader: PassThroughReader;
  readonly #parts: PassThroughParts;
  readonly #watch: Stopwatch;
  readonly #facts: Facts;
  #begin: (() => PassThroughCall) | undefined;
  #call: PassThroughCall = NO_PASS_THROUGH;
  #upstreamRequestId: string | undefined;
  #bytes = 0;
  #pauses = 0;
  #pausedMs = 0;
  #pausedAt: number | undefined;
  #isOver = false;

  constructor(id: string, request: OpenPassThrough, reader: PassThroughReader, parts: PassThroughParts) {
    const { caller, target, pattern, face, connection, receivedAt } = request;
    this.id = id;
    this.#reader = reader;
    this.#parts = parts;
    this.#watch = new Stopwatch(receivedAt, () => parts.clock.now());
    this.#facts = {
      face,
      connection,
      caller: caller.name,
      route: target.route.name,
      model: target.model?.alias,
      path: pattern.text,
    };
    this.#begin = () => parts.upstream.passThrough(upstreamRequest(request), this);
  }

  /** Whether it was not let in. */
  get isRefused(): boolean {
    return this.#parts.holdings.reservation?.isRefused ?? false;
  }

  /** Calls the upstream, once the ledger has what it must have before. */
  begin(): void {
    const { reservation } = this.#parts.holdings;
    const start = () => {
      if (!this.#isOver && this.#begin) this.#call = this.#begin();
      // The body must not live as long as the response.
      this.#begin = undefined;
    };
    if (!reservation?.ready) start();
    else reservation.ready.then(start).catch((error) => this.#failed(toGatewayError(error)));
  }

  // ── for its face ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends a part of the body; false: wait for `ready`. */
  write(bytes: Uint8Array): boolean {
    return this.#call.write(bytes);
  }

  /** The body is complete. */
  endBody(): void {
    this.#call.endBody();
  }

  /** The client does not read. */
  pause(): void {
    if (this.#pausedAt !== undefined) return;
    this.#pauses++;
    this.#pausedAt = this.#parts.clock.now();
    this.#call.pause();
  }

  resume(): void {
    this.#countPause();
    this.#call.resume();
  }

  /** The client is gone, or its request is refused: the reader hears nothing more. */
  left(why: GatewayError): void {
    if (this.#isOver) return;
    this.#call.abort();
    const isCancelled = why.code === "cancelled" || why.code === "client_gone";
    this.#end(isCancelled ? "cancelled" : "failed", why);
  }

  // ── for the relay ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends it now. */
  cancel(reason: GatewayError): void {
    if (this.#isOver) return;
    this.left(reason);
    this.#reader.failed(reason);
  }

  // ── as the upstream's sink ────────────────────────────────────────────────────────────────────────────────────────

  ready(): void {
    if (!this.#isOver) this.#reader.ready();
  }

  responded(head: PassThroughHead): void {
    this.#upstreamRequestId = head.requestId;
    this.#parts.holdings.releaseBody();
    this.#reader.responded(head);
  }

  data(bytes: ByteString): void {
    this.#watch.byte();
    this.#bytes += bytes.length;
    this.#reader.data(bytes);
  }

  end(): void {
    if (this.#isOver) return;
    this.#end("completed");
    this.#reader.end();
  }

  fail(error: GatewayError): void {
    if (this.#isOver) return;
    if (error.code === "internal") this.#parts.observer.fault(error, this.#facts.face);
    this.#end("failed", error);
    this.#reader.failed(error);
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A request that may not run was never opened, and is not recorded. */
  #failed(error: GatewayError): void {
    const { holdings, leave } = this.#parts;
    if (this.#isOver || !this.isRefused) {
      this.fail(error);
      return;
    }
    this.#isOver = true;
    this.#begin = undefined;
    holdings.release();
    leave();
    this.#reader.failed(error);
  }

  #countPause(): void {
    if (this.#pausedAt !== undefined) this.#pausedMs += this.#parts.clock.now() - this.#pausedAt;
    this.#pausedAt = undefined;
  }

  #end(status: Terminal["status"], error?: GatewayError): void {
    this.#isOver = true;
    this.#begin = undefined;
    this.#countPause();
    const { holdings, observer, leave } = this.#parts;
    const { path, ...facts } = this.#facts;
    const terminal: Terminal = {
      status,
      lastSeq: 0,
      ...(error && { error }),
      // The provider may charge for what it did; how much, it does not say here.
      usage: this.#call.isSent ? { source: "unknown" } : { source: "exact", inputTokens: 0, outputTokens: 0 },
      timing: this.#watch.timing(undefined),
      lossy: false,
    };
    holdings.settle({ terminal, events: 0, bytes: this.#bytes, anomalies: [] });
    // Before the client learns of the end, so that its next request finds everything given back.
    holdings.release();
    leave();
    observer.streamEnded({
      ...facts,
      stream: this.id,
      path,
      upstreamRequestId: this.#upstreamRequestId,
      terminal,
      events: 0,
      bytes: this.#bytes,
      backpressure: { pauses: this.#pauses, ms: this.#pausedMs },
      anomalies: {},
    });
  }
}
