import type { Code } from "../../../protocol/codes.ts";
import { BoundedMap } from "../kernel/bounded-map.ts";
import { GatewayError } from "../kernel/errors.ts";
import { KeptLogs } from "./kept-logs.ts";
import { CANCEL_AT, EVICT_AT, type LogBudget, REFUSE_AT } from "./log-budget.ts";
import { type ResumeFailure, unreadable } from "./resume-failure.ts";
import type { Stream } from "./stream.ts";

/** What happens to a stream without a reader: it runs until the grace ends, runs to its end, or is cancelled. */
export type AwayPolicy = "continue" | "finish" | "cancel";

/** A client's hold on a stream. A stream has one at a time: a new one replaces it. */
export interface Attachment {
  /** Set by a long poll between two rounds: its next round does not count as a resume. */
  readonly readsOn?: boolean;
  /** It has lost the stream: `superseded` by another, or `slow_consumer` if it was still behind when the log expired. */
  detached(why: Code): void;
}

/** Read whenever they apply. Times in milliseconds. */
export interface RegistryLimits {
  /** How long a stream lives without a reader. */
  readonly graceMs: number;
  /** How long a log is kept after its end. */
  readonly retentionMs: number;
  /** The same for a log whose client has handled all of it: only a repeated request may still need it. */
  readonly handledRetentionMs: number;
  /** How long a client that makes no progress may keep its upstream paused. */
  readonly pausedMs: number;
  /** How many removed ids are remembered, to tell `expired` from `unknown`. */
  readonly rememberedIds: number;
}

/** A stream in the registry, and what is known about its client. */
export interface RegisteredStream {
  readonly stream: Stream;
  readonly caller: string;
  readonly away: AwayPolicy;
  /** A repeated request may ask for all of it again. */
  readonly isRepeatable: boolean;
  attachment: Attachment | undefined;
  /** Clock reading when the current attachment came or the last one left. */
  since: number;
  /** Why the last attachment left before it had everything. */
  previous: Code | undefined;
  endedAt: number | undefined;
  /** Its client has handled all of it, including the end. */
  isHandled: boolean;
}

/**
 * All streams that clients can resume: who reads them, how long they wait for a reader, and which are evicted first when
 * memory runs short. `sweep` must be called about once a second.
 */
export class StreamRegistry {
  readonly #limits: RegistryLimits;
  readonly #budget: LogBudget;
  readonly #now: () => number;
  readonly #resumed: (outcome: ResumeFailure | "resumed") => void;
  readonly #streams = new Map<string, RegisteredStream>();
  readonly #kept: KeptLogs;
  /** The callers of removed streams, by id. */
  readonly #removed: BoundedMap<string, string>;

  /** `resumed` receives the outcome of every resume, for the metrics. */
  constructor(
    limits: RegistryLimits,
    budget: LogBudget,
    now: () => number,
    resumed: (outcome: ResumeFailure | "resumed") => void = () => {},
  ) {
    this.#limits = limits;
    this.#removed = new BoundedMap(limits.rememberedIds);
    this.#budget = budget;
    this.#kept = new KeptLogs(budget);
    this.#now = now;
    this.#resumed = resumed;
  }

  /** Streams with a reader, running streams without one, and ended ones without one. */
  get counts(): { readonly attended: number; readonly parked: number; readonly kept: number } {
    const counts = { attended: 0, parked: 0, kept: 0 };
    for (const { attachment, stream } of this.#streams.values()) {
      counts[attachment ? "attended" : stream.terminal ? "kept" : "parked"]++;
    }
    return counts;
  }

  /** Throws `overloaded` if there is no memory for another log, even after evicting ended ones. */
  admit(): void {
    // A new stream is worth more than the log of an ended one.
    this.#kept.relieve(REFUSE_AT);
    if (this.#budget.isOver(REFUSE_AT)) {
      throw new GatewayError("overloaded", "no memory for another stream's log", { retryAfterMs: 1_000 });
    }
  }

  add(stream: Stream, caller: string, away: AwayPolicy, isRepeatable = false): RegisteredStream {
    const registered: RegisteredStream = {
      stream,
      caller,
      away,
      isRepeatable,
      attachment: undefined,
      since: this.#now(),
      previous: undefined,
      endedAt: undefined,
      isHandled: false,
    };
    stream.retain(() => {
      registered.endedAt = this.#now();
      if (!registered.attachment) this.#kept.add(registered);
    });
    this.#streams.set(stream.info.id, registered);
    return registered;
  }

  /** A caller's own stream in any state. Another caller's stream is reported as unknown. */
  owned(id: string, caller: string): RegisteredStream | undefined {
    const registered = this.#streams.get(id);
    return registered?.caller === caller ? registered : undefined;
  }

  /**
   * A caller's stream that can be read from the entry after `after`, in `epoch` or, if undefined, in the current one. Throws
   * `resume_failed` with a `ResumeFailure` in its details.
   */
  find(id: string, caller: string, epoch: number | undefined, after: number): RegisteredStream {
    const registered = this.owned(id, caller);
    const reason = registered ? unreadable(registered.stream, epoch, after) : this.#absence(id, caller);
    const outcome = reason ?? "resumed";
    if (reason !== undefined || !registered?.attachment?.readsOn) this.#resumed(outcome);
    if (registered && reason === undefined) return registered;
    throw new GatewayError("resume_failed", undefined, { details: { reason: outcome } });
  }

  #absence(id: string, caller: string): ResumeFailure {
    return this.#removed.get(id) === caller ? "expired" : "unknown";
  }

  /** Gives the stream to `attachment`, detaching the current one. Returns why the previous one left. */
  attach(registered: RegisteredStream, attachment: Attachment): Code | undefined {
    const before = registered.attachment;
    registered.attachment = attachment;
    registered.isHandled = false;
    this.#kept.delete(registered);
    registered.since = this.#now();
    if (registered.away === "finish") registered.stream.keepAll(true);
    before?.detached("superseded");
    return before ? "superseded" : registered.previous;
  }

  /**
   * `attachment` has left: because of `why`, or because it has everything. Does nothing if another has replaced it.
   */
  detach(registered: RegisteredStream, attachment: Attachment, why?: Code): void {
    if (registered.attachment !== attachment) return;
    registered.attachment = undefined;
    registered.since = this.#now();
    registered.previous = why;
    if (registered.stream.terminal) {
      this.#kept.add(registered);
      return;
    }
    if (registered.away === "cancel") registered.stream.cancel(new GatewayError("client_gone"));
    if (registered.away === "finish") registered.stream.keepAll(false);
  }

  /**
   * The client has handled all of an ended stream, so it is kept only for `handledRetentionMs`. If the client has said so
   * itself (`isAcknowledged`), nobody needs the events again, unless the request may be repeated; only the end may have been
   * lost on its way. If it was only sent, `KeptLogs` bounds what is kept. Does nothing while the stream runs or another client
   * reads it.
   */
  handled(registered: RegisteredStream, isAcknowledged = false): void {
    if (registered.attachment || registered.endedAt === undefined) return;
    registered.isHandled = true;
    if (registered.isRepeatable) return;
    if (isAcknowledged) this.#kept.drop(registered);
    else this.#kept.sent(registered);
  }

  /** The process stood still for `ms`, which does not count as time without a reader. */
  forgive(ms: number): void {
    for (const registered of this.#streams.values()) {
      registered.since += ms;
      if (registered.endedAt !== undefined) registered.endedAt += ms;
      registered.stream.forgive(ms);
    }
  }

  /** Cancels streams that waited too long and removes those kept long enough. `now`: a clock reading. */
  sweep(now: number): void {
    const { graceMs, retentionMs, handledRetentionMs, pausedMs } = this.#limits;
    for (const registered of this.#streams.values()) {
      const { stream, since, endedAt, attachment } = registered;
      // It may have been paused because other logs took the memory, which may be free now.
      stream.readerMoved();
      if (endedAt !== undefined) {
        const keptMs = registered.isHandled ? Math.min(handledRetentionMs, retentionMs) : retentionMs;
        if (now - Math.max(endedAt, since) >= keptMs) this.#remove(registered);
      } else if (attachment) {
        // Pauses before this attachment came do not count.
        const stalledMs = Math.min(stream.pausedMs, now - since);
        if (stalledMs >= pausedMs) stream.cancel(new GatewayError("slow_consumer"));
      } else if (registered.away !== "finish" && now - since >= graceMs) {
        stream.cancel(new GatewayError("client_gone", "no client resumed the stream in time"));
      }
    }
  }

  /** Frees memory: evicts ended logs, then cancels the unread stream with the largest log, then pauses upstreams. */
  relieve(): void {
    this.#kept.relieve(EVICT_AT);
    if (this.#budget.isOver(CANCEL_AT)) this.#cancelLargest();
    if (this.#budget.isOver(1)) for (const { stream } of this.#streams.values()) stream.readerMoved();
  }

  #remove(registered: RegisteredStream): void {
    const { stream, caller, attachment } = registered;
    registered.attachment = undefined;
    attachment?.detached("slow_consumer");
    stream.giveUp();
    this.#kept.delete(registered);
    this.#streams.delete(stream.info.id);
    this.#removed.set(stream.info.id, caller);
  }

  #cancelLargest(): void {
    let largest: Stream | undefined;
    for (const { stream, attachment } of this.#streams.values()) {
      if (!attachment && !stream.terminal && stream.log.bytes > (largest?.log.bytes ?? 0)) largest = stream;
    }
    largest?.cancel(new GatewayError("overloaded", "the stream had no reader, and its memory was needed"));
    largest?.log.evict();
  }
}
