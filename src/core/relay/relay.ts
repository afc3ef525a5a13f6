import { type Caller, checkOpen } from "../caller/caller.ts";
import type { InboundBudget, InboundReservation } from "../caller/inbound-budget.ts";
import type { UsageRequest } from "../dialect/dialect.ts";
import { GatewayError, toGatewayError } from "../kernel/errors.ts";
import { type JsonObject, jsonSize } from "../kernel/json.ts";
import type { LogBudget } from "../stream/log-budget.ts";
import { Stream } from "../stream/stream.ts";
import { type LogLimits, StreamLog } from "../stream/stream-log.ts";
import { AnswerState } from "./answer-state.ts";
import type { CallParts } from "./call-spec.ts";
import { askedBody, type OpenRequest, providerBody } from "./open-request.ts";
import { promptCharacters } from "./prompt-size.ts";
import { StreamProducer } from "./stream-producer.ts";
import type { UsageDrain } from "./usage-drain.ts";
import { UsageRefusals } from "./usage-refusals.ts";

/** The ports and limits of a relay. */
export interface RelayParts extends CallParts {
  readonly newId: () => string;
  readonly log: LogLimits;
  /** The memory shared by all logs. */
  readonly budget?: LogBudget;
  /** What a running stream counts in it beside its log, in bytes; 0 by default. */
  readonly streamBytes?: number;
  /** The memory of request bodies until their responses begin; unlimited by default. */
  readonly requests?: InboundBudget;
  /** Limits how fast each caller opens streams; unlimited by default. */
  readonly opens?: { take(caller: string): void };
  /** Throws if the gateway is too busy for another stream of this caller. */
  readonly admit?: (caller: Caller) => void;
  /** The most streams open at once in the whole gateway; unlimited by default. */
  readonly openStreams?: number;
}

/** A request prepared for its provider, and the memory it takes. */
interface Prepared {
  readonly asked: JsonObject;
  /** How the usage is requested, if the caller does not request it itself. */
  readonly usage: UsageRequest | undefined;
  readonly body: JsonObject;
  readonly inputCharacters: number;
  readonly room: InboundReservation | undefined;
}

/** Opens streams: decides whether they may run, prepares the upstream request, and knows which ones are active. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #active = new Map<Stream, Caller>();
  /** Responses of cancelled streams that are drained for their usage. */
  readonly #drains = new Set<UsageDrain>();
  readonly #usageRefusals: UsageRefusals;
  #stopping = false;
  #idle: () => void = () => {};

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#usageRefusals = new UsageRefusals(() => parts.clock.now());
  }

  get activeStreams(): number {
    return this.#active.size;
  }

  /** Whether new streams are refused, because the gateway stops. */
  get isStopping(): boolean {
    return this.#stopping;
  }

  /**
   * Counts one open of this caller, or refuses it. `open` calls this; a face that accepts requests before it opens their
   * streams calls it itself and sets `isAdmitted`. Throws `shutting_down`, `rate_limited` or `overloaded`.
   */
  admit(caller: Caller): void {
    const { opens, openStreams = Number.POSITIVE_INFINITY } = this.#parts;
    this.#checkRunning();
    opens?.take(caller.name);
    const open = this.#active.size + this.#drains.size;
    if (open >= openStreams) throw new GatewayError("overloaded", "too many streams are open");
    this.#parts.admit?.(caller);
  }

  /**
   * Opens a stream. Nothing arrives from the upstream before this returns, so the face can reply "accepted" first. Throws
   * `forbidden` for what the caller's key does not permit, and whatever `admit`, `requests` and `reservations` throw. If a
   * port throws anything else, everything taken for the stream is given back.
   */
  open(request: OpenRequest): Stream {
    const { caller, target } = request;
    checkOpen(caller, target, request.upstreamKey);
    if (request.isAdmitted) this.#checkRunning();
    else this.admit(caller);
    const asked = askedBody(request);
    const usage = this.#usageOf(request, asked);
    const body = providerBody(request, asked, usage !== undefined);
    const inputCharacters = request.isUncounted ? 0 : promptCharacters(body);
    const room = this.#parts.requests?.reserve(caller.name, jsonSize(body));
    try {
      return this.#start(request, { asked, usage, body, inputCharacters, room });
    } catch (error) {
      room?.release();
      throw error;
    }
  }

  #start(request: OpenRequest, { asked, usage, body, inputCharacters, room }: Prepared): Stream {
    const { clock, newId, log, budget, streamBytes = 0, observer } = this.#parts;
    // The closures below live as long as the stream, so they must not capture the request.
    const { caller, target, face } = request;
    const { route, model } = target;
    const answer = new AnswerState(route.dialect, asked, inputCharacters, usage !== undefined);
    const stream = new Stream(
      { id: `s_${newId()}`, epoch: 1, route: route.name, model: model?.alias, startedAt: request.receivedAt },
      new StreamLog(log, budget),
      () => clock.now(),
      (error) => observer.fault(error, `reader of ${face}`),
    );
    const producer = new StreamProducer(stream, request, this.#parts, {
      answer,
      body,
      inputCharacters,
      room,
      ended: (drain) => this.#ended(stream, drain),
      drained: (drain) => this.#drains.delete(drain),
    });
    stream.producedBy(producer);
    this.#active.set(stream, caller);
    try {
      budget?.grow(streamBytes);
      producer.begin(request, body, usage && this.#usageRefusals.amendment(usage, target, asked));
    } catch (error) {
      producer.giveUp(toGatewayError(error));
      throw error;
    }
    return stream;
  }

  /** Undefined if the caller requests the usage itself, or the upstream must not be asked. */
  #usageOf({ target, unary }: OpenRequest, asked: JsonObject): UsageRequest | undefined {
    const { includeUsage = true, dialect } = target.route;
    if (unary || !includeUsage || !dialect.usageRequest?.isAdded(asked)) return undefined;
    return this.#usageRefusals.mayAsk(target, asked) ? dialect.usageRequest : undefined;
  }

  /** Stops draining responses past their time. Called about once a second. */
  sweep(now: number): void {
    for (const drain of this.#drains) drain.look(now);
  }

  /** The process stood still for `ms`, which does not count as draining time. */
  forgive(ms: number): void {
    for (const drain of this.#drains) drain.forgive(ms);
  }

  /** Refuses new streams. Resolves when the last one has ended. */
  drain(): Promise<void> {
    this.#stopping = true;
    return new Promise((resolve) => {
      this.#idle = resolve;
      if (this.#active.size === 0) resolve();
    });
  }

  /** Cancels the streams of some callers now. */
  cancelOf(isMeant: (caller: Caller) => boolean, reason: GatewayError): void {
    for (const [stream, caller] of this.#active) if (isMeant(caller)) stream.cancel(reason);
  }

  /** Refuses new streams, and ends all running ones now. */
  stop(reason: GatewayError): void {
    this.#stopping = true;
    for (const stream of this.#active.keys()) stream.cancel(reason);
    for (const drain of this.#drains) drain.stop();
  }

  #checkRunning(): void {
    if (this.#stopping) throw new GatewayError("shutting_down");
  }

  #ended(stream: Stream, drain: UsageDrain | undefined): void {
    this.#active.delete(stream);
    this.#parts.budget?.shrink(this.#parts.streamBytes ?? 0);
    if (drain) this.#drains.add(drain);
    if (this.#active.size === 0) this.#idle();
  }
}
