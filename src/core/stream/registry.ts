import type { Code } from "../../../protocol/codes.ts";
import { BoundedMap } from "../kernel/bounded-map.ts";
import { GatewayError } from "../kernel/errors.ts";
import { CANCEL_AT, EVICT_AT, type LogBudget, REFUSE_AT } from "./budget.ts";
import type { Stream } from "./stream.ts";

/** What happens to a stream while nobody reads it. */
export type AwayPolicy = "continue" | "finish" | "cancel";

/** Why a stream cannot be read on. A foreign stream is `unknown`, so that ids cannot be guessed. */
export type ResumeFailure = "unknown" | "expired" | "evicted" | "epoch" | "ahead";

/** Who reads a stream for a client. There is one at a time: the newest wins. */
export interface Attachment {
  /** Its client comes back piece by piece, as a long poll does: coming for the next piece is no resume. */
  readonly readsOn?: boolean;
  /** It reads no more: `superseded` by another, or a `slow_consumer` that was behind when the log's time was over. */
  detached(why: Code): void;
}

export interface RegistryLimits {
  /** How long a stream lives without a reader. */
  readonly graceMs: number;
  /** How long a log is kept after its terminal. */
  readonly retentionMs: number;
  /** The same for a log that its client has handled to the end: only a repeated request still asks for it. */
  readonly handledRetentionMs: number;
  /** How long an upstream is held back by a client that acknowledges nothing. */
  readonly pausedMs: number;
  /** Ids of removed streams that are remembered, to tell `expired` from `unknown`. */
  readonly rememberedIds: number;
}

export interface RegisteredStream {
  readonly stream: Stream;
  readonly caller: string;
  readonly away: AwayPolicy;
  attachment: Attachment | undefined;
  /** Clock reading when the attachment came, or the last one went. */
  since: number;
  /** Why the last attachment let go before it had everything. */
  previous: Code | undefined;
  endedAt: number | undefined;
  /** Its client has handled all of it, the end included. */
  isHandled: boolean;
}

/**
 * All streams that clients may come back to: who reads them, how long they wait, and what goes first when memory runs
 * short. Time comes as an argument to `sweep`, which is called about once a second.
 */
export class StreamRegistry {
  readonly #limits: RegistryLimits;
  readonly #budget: LogBudget;
  readonly #now: () => number;
  readonly #resumed: (outcome: ResumeFailure | "resumed") => void;
  readonly #streams = new Map<string, RegisteredStream>();
  /** Ended streams that nobody reads, in the order in which they began to wait. */
  readonly #kept = new Set<RegisteredStream>();
  /** Removed streams and their callers. */
  readonly #removed: BoundedMap<string, string>;

  /** `resumed` is told the outcome of every attempt to read on, for the metrics. */
  constructor(
    limits: RegistryLimits,
    budget: LogBudget,
    now: () => number,
    resumed: (outcome: ResumeFailure | "resumed") => void = () => {},
  ) {
    this.#limits = limits;
    this.#removed = new BoundedMap(limits.rememberedIds);
    this.#budget = budget;
    this.#now = now;
    this.#resumed = resumed;
  }

  /** Streams somebody reads, streams that run unread, and ended ones that are kept. */
  get counts(): { readonly attended: number; readonly parked: number; readonly kept: number } {
    const counts = { attended: 0, parked: 0, kept: 0 };
    for (const { attachment, stream } of this.#streams.values()) {
      counts[attachment ? "attended" : stream.terminal ? "kept" : "parked"]++;
    }
    return counts;
  }

  /** Throws `overloaded` when the logs leave no room for one more stream. */
  admit(): void {
    // A stream that begins is worth more than the log of one that ended.
    this.#giveUpKept(REFUSE_AT);
    if (this.#budget.isOver(REFUSE_AT)) {
      throw new GatewayError("overloaded", "no memory for another stream's log", { retryAfterMs: 1_000 });
    }
  }

  add(stream: Stream, caller: string, away: AwayPolicy): RegisteredStream {
    const registered: RegisteredStream = {
      stream,
      caller,
      away,
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

  /** A caller's own stream, whatever its state; a foreign one is as unknown as none. */
  owned(id: string, caller: string): RegisteredStream | undefined {
    const registered = this.#streams.get(id);
    return registered?.caller === caller ? registered : undefined;
  }

  /** A caller's stream that can be read on behind `after`. Throws `resume_failed` with the reason in its details. */
  find(id: string, caller: string, epoch: number, after: number): RegisteredStream {
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

  /** From now on `attachment` reads the stream; whoever did is told. Returns why the one before it let go. */
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
   * `attachment` reads no more, because of `why`, or because it has everything. Does nothing when another one reads already.
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
   * The client has handled the ended stream whole: nobody is expected back, so its log goes after some seconds. Does
   * nothing while another client reads it, or when it runs.
   */
  handled(registered: RegisteredStream): void {
    if (!registered.attachment && registered.endedAt !== undefined) registered.isHandled = true;
  }

  /** The process stood still for so long: that time is nobody's absence. */
  forgive(ms: number): void {
    for (const registered of this.#streams.values()) {
      registered.since += ms;
      if (registered.endedAt !== undefined) registered.endedAt += ms;
      registered.stream.forgive(ms);
    }
  }

  /** Ends what waited too long and forgets what was kept long enough. */
  sweep(now: number): void {
    const { graceMs, retentionMs, handledRetentionMs, pausedMs } = this.#limits;
    for (const registered of this.#streams.values()) {
      const { stream, since, endedAt, attachment } = registered;
      // What held it back may have been the memory of others, and be over.
      stream.readerMoved();
      if (endedAt !== undefined) {
        const keptMs = registered.isHandled ? Math.min(handledRetentionMs, retentionMs) : retentionMs;
        if (now - Math.max(endedAt, since) >= keptMs) this.#remove(registered);
      } else if (attachment) {
        // Not what it was held back before this attachment came.
        const stalledMs = Math.min(stream.pausedMs, now - since);
        if (stalledMs >= pausedMs) stream.cancel(new GatewayError("slow_consumer"));
      } else if (registered.away !== "finish" && now - since >= graceMs) {
        stream.cancel(new GatewayError("client_gone", "nobody came back for the stream"));
      }
    }
  }

  /** Gives up what ended; if that is not enough, the parked stream with the largest log; at last all must wait. */
  relieve(): void {
    this.#giveUpKept(EVICT_AT);
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

  /**
   * Gives up the logs of ended streams until less than this share of the budget is used: those that were handled first,
   * then the oldest.
   */
  #giveUpKept(share: number): void {
    if (!this.#budget.isOver(share)) return;
    const handled = [...this.#kept].filter(({ isHandled }) => isHandled);
    for (const registered of [...handled, ...this.#kept]) {
      if (!this.#budget.isOver(share)) return;
      this.#kept.delete(registered);
      registered.stream.log.evict();
    }
  }

  #cancelLargest(): void {
    let largest: Stream | undefined;
    for (const { stream, attachment } of this.#streams.values()) {
      if (!attachment && !stream.terminal && stream.log.bytes > (largest?.log.bytes ?? 0)) largest = stream;
    }
    largest?.cancel(new GatewayError("overloaded", "the stream was unread, and its memory was needed"));
    largest?.log.evict();
  }
}

/** Why a stream cannot be read on from there, or undefined when it can. */
function unreadable({ log, info }: Stream, epoch: number, after: number): ResumeFailure | undefined {
  if (info.epoch !== epoch) return "epoch";
  if (after > log.head) return "ahead";
  return after < log.tail ? "evicted" : undefined;
}
