import { type Caller, checkOpen } from "../caller/caller.ts";
import type { InboundBudget } from "../caller/inbound-budget.ts";
import { GatewayError, toGatewayError } from "../kernel/errors.ts";
import { jsonSize } from "../kernel/json.ts";
import type { LogBudget } from "../stream/log-budget.ts";
import { Opening } from "../stream/opening.ts";
import { Stream } from "../stream/stream.ts";
import { type LogLimits, StreamLog } from "../stream/stream-log.ts";
import type { Plan } from "../targets/target-plan.ts";
import type { Targets } from "../targets/targets.ts";
import { type Attempt, Attempts, firstOf, planFor, type Ready } from "./attempts.ts";
import type { CallParts, Running } from "./call-spec.ts";
import { Holdings } from "./holdings.ts";
import type { OpenRequest } from "./open-request.ts";
import { prepare } from "./prepared.ts";
import { StreamProducer } from "./stream-producer.ts";
import type { RunningStream } from "./stream-record.ts";
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
  /** Chooses among the targets of models that have several; without it only the first is tried. */
  readonly targets?: Targets;
  /** The memory of request bodies until their responses begin; unlimited by default. */
  readonly requests?: InboundBudget;
  /** Limits how fast each caller opens streams; unlimited by default. */
  readonly opens?: { take(caller: string): void };
  /** Throws if the gateway is too busy for another stream of this caller. */
  readonly admit?: (caller: Caller) => void;
  /** The most streams open at once in the whole gateway; unlimited by default. */
  readonly openStreams?: number;
}

/** Opens streams: decides whether they may run, prepares the upstream request, and knows which ones are active. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #active = new Map<Running, Caller>();
  readonly #streams = new Map<Stream, RunningStream>();
  /** Responses of cancelled streams that are drained for their usage. */
  readonly #drains = new Set<UsageDrain>();
  /** Of the streams that may be tried on several targets. */
  readonly #trying = new Set<Attempts>();
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

  /** The running streams, in the order of their opens. */
  get streams(): Iterable<Readonly<RunningStream>> {
    return this.#streams.values();
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
    if (open >= openStreams) {
      throw new GatewayError("overloaded", "too many streams are open", { setting: "limits.openStreams" });
    }
    this.#parts.admit?.(caller);
  }

  /** Admits work that is no stream, and counts it until the function returned is called. Throws what `admit` does. */
  enter(work: Running, caller: Caller): () => void {
    this.admit(caller);
    this.#active.set(work, caller);
    return () => {
      this.#active.delete(work);
      if (this.#active.size === 0) this.#idle();
    };
  }

  /**
   * Opens a stream. Nothing arrives from the upstream before this returns, so the face can reply "accepted" first. Throws
   * `forbidden` for what the caller's key does not permit, and whatever `admit`, `requests` and `reservations` throw; where
   * caps are counted elsewhere, the stream's `opening` tells of a refusal instead. If a port throws anything else, everything
   * taken for the stream is given back.
   */
  open(request: OpenRequest): Stream {
    const { caller, target } = request;
    checkOpen(caller, target, request.upstreamKey);
    if (request.isAdmitted) this.#checkRunning();
    else this.admit(caller);
    const plan = planFor(request, this.#parts.targets);
    try {
      const ready = (one: OpenRequest): Ready => ({ request: one, prepared: prepare(one, this.#usageRefusals) });
      const fault = (error: unknown) => this.#parts.observer.fault(error, "stream");
      return this.#start(plan ? firstOf(plan, request, ready, fault) : ready(request), plan);
    } catch (error) {
      plan?.end();
      throw error;
    }
  }

  #start({ request, prepared }: Ready, plan: Plan | undefined): Stream {
    const { clock, newId, log, budget, streamBytes = 0, observer, reservations } = this.#parts;
    // The closures below live as long as the stream, so they must not capture the request.
    const { caller, target, face, session } = request;
    const stream = new Stream(
      {
        id: request.id ?? `s_${newId()}`,
        epoch: 1,
        route: target.route.name,
        model: target.model?.alias,
        startedAt: request.receivedAt,
        tellsDialect: request.tellsDialect,
        opening: reservations && new Opening(),
      },
      new StreamLog(log, budget),
      () => clock.now(),
      (error) => observer.fault(error, `reader of ${face}`),
    );
    const room = this.#parts.requests?.reserve(caller.name, jsonSize(prepared.body));
    const { body, inputCharacters, upstreamModel } = prepared;
    const cut = (error: GatewayError) => stream.cut(error);
    const id = stream.info.id;
    const asked = { stream: id, caller, target, body, inputCharacters, upstreamModel, face, session, cut };
    const fault = (error: unknown) => observer.fault(error, "stream");
    const holdings = Holdings.take(room, () => reservations?.reserve(asked), fault);
    if (holdings.reservation?.opening !== undefined) stream.info.opening?.await();
    this.#active.set(stream, caller);
    this.#streams.set(stream, { stream, caller, face, target });
    budget?.grow(streamBytes);
    const attempts = plan && this.#attempts(stream, request, plan);
    this.#begin(stream, { number: 1, request, prepared, holdings }, attempts);
    return stream;
  }

  /** Begins an attempt. If it throws, the stream has ended. */
  #begin(stream: Stream, { number, request, prepared, holdings }: Attempt, attempts: Attempts | undefined): void {
    const { body, answer, amendment } = prepared;
    const running = this.#streams.get(stream);
    if (running) running.target = request.target;
    const producer = new StreamProducer(stream, request, this.#parts, {
      answer,
      holdings,
      attempt: number,
      attempts,
      ended: (drain) => this.#ended(stream, attempts, drain),
      drained: (drain) => this.#drains.delete(drain),
    });
    stream.producedBy(producer, request.target.route.dialect);
    // What an earlier attempt has cost may have used up a cap.
    const reached = number > 1 ? holdings.reservation?.meter?.({}, 0) : undefined;
    try {
      if (reached) throw reached;
      const mayRetry = attempts ? attempts.mayRetry(request.mayRetry) : request.mayRetry;
      producer.begin({ ...request, mayRetry }, body, amendment);
    } catch (error) {
      const why = toGatewayError(error);
      if (reached || !producer.leave(why, true)) {
        producer.giveUp(why);
        throw error;
      }
      if (why.code === "internal") this.#parts.observer.fault(error, "stream");
    }
  }

  #attempts(stream: Stream, request: OpenRequest, plan: Plan): Attempts {
    const { clock, observer } = this.#parts;
    const attempts: Attempts = new Attempts({
      plan,
      request,
      prepare: (other) => prepare(other, this.#usageRefusals),
      fault: (error) => observer.fault(error, "stream"),
      start: (attempt) => {
        try {
          this.#begin(stream, attempt, attempts);
        } catch (error) {
          if (toGatewayError(error).code === "internal") observer.fault(error, "stream");
        }
      },
      now: () => clock.now(),
    });
    this.#trying.add(attempts);
    return attempts;
  }

  /** Stops draining responses past their time, and leaves targets that answer too late. Called about once a second. */
  sweep(now: number): void {
    for (const drain of this.#drains) drain.look(now);
    for (const attempts of this.#trying) attempts.look(now);
  }

  /** The process stood still for `ms`, which does not count. */
  forgive(ms: number): void {
    for (const drain of this.#drains) drain.forgive(ms);
    for (const attempts of this.#trying) attempts.forgive(ms);
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
    for (const [running, caller] of this.#active) if (isMeant(caller)) running.cancel(reason);
  }

  /** Refuses new streams, and ends all running ones now. */
  stop(reason: GatewayError): void {
    this.#stopping = true;
    for (const running of this.#active.keys()) running.cancel(reason);
    for (const drain of this.#drains) drain.stop();
  }

  #checkRunning(): void {
    if (this.#stopping) throw new GatewayError("shutting_down");
  }

  #ended(stream: Stream, attempts: Attempts | undefined, drain: UsageDrain | undefined): void {
    this.#active.delete(stream);
    this.#streams.delete(stream);
    attempts?.end();
    if (attempts) this.#trying.delete(attempts);
    this.#parts.budget?.shrink(this.#parts.streamBytes ?? 0);
    if (drain) this.#drains.add(drain);
    if (this.#active.size === 0) this.#idle();
  }
}
