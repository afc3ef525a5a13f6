import type { LogBudget } from "./budget.ts";
import { type Caller, checkOpen } from "./caller.ts";
import { GatewayError } from "./errors.ts";
import type { CallParts, OpenRequest } from "./relayed-call.ts";
import { RelayedCall } from "./relayed-call.ts";
import { Stream } from "./stream.ts";
import type { LogLimits } from "./stream-log.ts";
import { StreamLog } from "./stream-log.ts";

export interface RelayParts extends CallParts {
  readonly newId: () => string;
  readonly log: LogLimits;
  /** What all logs share. */
  readonly budget?: LogBudget;
  /** Throws when the gateway is too busy for one more stream. */
  readonly admit?: () => void;
  /** Streams open at once in the whole gateway; unlimited when left out. */
  readonly openStreams?: number;
}

/** Opens streams: builds the upstream call, reads its events into the log, and settles the end exactly once. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #active = new Map<Stream, Caller>();
  #stopping = false;
  #idle: () => void = () => {};

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  get activeStreams(): number {
    return this.#active.size;
  }

  /**
   * Starts a stream. The upstream is called when this returned, so the face can answer "accepted" first. Throws
   * `forbidden` for what the caller's key does not allow.
   */
  open(request: OpenRequest): Stream {
    const { clock, newId, log, openStreams = Number.POSITIVE_INFINITY } = this.#parts;
    checkOpen(request.caller, request.target, request.upstreamKey);
    if (this.#stopping) throw new GatewayError("shutting_down");
    if (this.#active.size >= openStreams) throw new GatewayError("overloaded", "too many streams are open");
    this.#parts.admit?.();
    const { route, model } = request.target;
    const stream = new Stream(
      { id: `s_${newId()}`, epoch: 1, route: route.name, model: model?.alias, startedAt: request.receivedAt },
      new StreamLog(log, this.#parts.budget),
      () => clock.now(),
    );
    stream.producedBy(new RelayedCall(stream, request, this.#parts, () => this.#ended(stream)));
    this.#active.set(stream, request.caller);
    return stream;
  }

  /** No more opens. Resolves when the last stream has ended. */
  drain(): Promise<void> {
    this.#stopping = true;
    return new Promise((resolve) => {
      this.#idle = resolve;
      if (this.#active.size === 0) resolve();
    });
  }

  /** Ends the streams of some callers now. */
  cancelOf(isMeant: (caller: Caller) => boolean, reason: GatewayError): void {
    for (const [stream, caller] of this.#active) if (isMeant(caller)) stream.cancel(reason);
  }

  /** No more opens, and every stream ends now with this reason. */
  stop(reason: GatewayError): void {
    this.#stopping = true;
    for (const stream of this.#active.keys()) stream.cancel(reason);
  }

  #ended(stream: Stream): void {
    this.#active.delete(stream);
    if (this.#active.size === 0) this.#idle();
  }
}
