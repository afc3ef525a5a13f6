import type { Code } from "../../../protocol/codes.ts";
import { BoundedMap } from "../kernel/bounded-map.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { cancelLargest, KeptLogs, pauseFull } from "./kept-logs.ts";
import { CANCEL_AT, EVICT_AT, type LogBudget } from "./log-budget.ts";
import {
  type Attachment,
  type AwayPolicy,
  countsOf,
  fateOf,
  NOBODY,
  newlyRegistered,
  type RegisteredStream,
  type RegistryLimits,
  type StreamWatcher,
} from "./registered-stream.ts";
import { type ResumeFailure, resumeFailed, unreadable } from "./resume-failure.ts";
import type { Stream } from "./stream.ts";

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
  /** The streams of other nodes; undefined without a cluster. `join` sets it. */
  elsewhere: Elsewhere | undefined;

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
    return countsOf(this.#streams.values());
  }

  /** Throws `overloaded` if there is no memory for another log, even after evicting ended ones. */
  admit(): void {
    this.#kept.makeRoom();
  }

  /** Makes this registry one of a cluster's. Before any stream is added. */
  join(elsewhere: Elsewhere): void {
    this.elsewhere = elsewhere;
  }

  add(stream: Stream, caller: string, away: AwayPolicy, isRepeatable = false): RegisteredStream {
    const registered = newlyRegistered(stream, caller, this.#now(), { away, isRepeatable, isMirror: false });
    stream.retain(() => {
      registered.endedAt = this.#now();
      if (!registered.attachment) this.#kept.add(registered);
      registered.watcher?.ended();
    });
    this.#streams.set(stream.info.id, registered);
    registered.watcher = this.elsewhere?.opened(registered);
    return registered;
  }

  /**
   * Adds what is read of another node's stream. It takes the place of an earlier mirror, whose attachment is `superseded` once
   * there is another, and is removed as soon as its own has left.
   */
  addMirror(stream: Stream, caller: string, previous: Code | undefined, watcher: StreamWatcher): RegisteredStream {
    const { id } = stream.info;
    const before = this.#streams.get(id);
    const kind = { away: "continue", isRepeatable: false, isMirror: true } as const;
    const registered = newlyRegistered(stream, caller, this.#now(), kind);
    registered.attachment = before?.attachment;
    registered.previous = previous;
    registered.watcher = watcher;
    stream.retain(() => {
      registered.endedAt = this.#now();
    });
    if (before) this.#forget(before);
    this.#streams.set(id, registered);
    return registered;
  }

  /** A stream that runs or ran on this node, whoever's it is. */
  own(id: string): RegisteredStream | undefined {
    const registered = this.#streams.get(id);
    return registered?.isMirror ? undefined : registered;
  }

  /** A caller's own stream in any state. Another caller's stream is reported as unknown. */
  owned(id: string, caller: string): RegisteredStream | undefined {
    const registered = this.#streams.get(id);
    return registered?.caller === caller ? registered : undefined;
  }

  /**
   * A caller's stream that can be read from the entry after `after`, in `epoch` or, if undefined, in the current one; a promise
   * of it if it may be another node's. Throws, or rejects with, `resume_failed` with a `ResumeFailure` in its details; rejects
   * with `cluster_unavailable`.
   */
  find(
    id: string,
    caller: string,
    epoch: number | undefined,
    after: number,
  ): RegisteredStream | Promise<RegisteredStream> {
    const registered = this.owned(id, caller);
    const absence = this.#removed.get(id) === caller ? "expired" : "unknown";
    const reason = registered ? unreadable(registered.stream, epoch, after) : absence;
    const isElsewhere = reason !== undefined && (registered?.isMirror ?? reason === "unknown");
    const found = isElsewhere ? this.elsewhere?.find(id, caller, epoch, after) : undefined;
    return found?.then((there) => this.#outcome(there)) ?? this.#outcome(reason ?? registered ?? "unknown");
  }

  /** Ends a caller's stream, wherever it runs. Does nothing if it has ended, is unknown or is another caller's. */
  cancel(id: string, caller: string, reason: GatewayError): void {
    const registered = this.owned(id, caller);
    if (registered) registered.stream.cancel(reason);
    // A node that is out of reach cannot be told; its stream ends as if its client were gone.
    else this.elsewhere?.cancel(id, (whose) => whose === caller, reason).catch(() => {});
  }

  #outcome(found: RegisteredStream | ResumeFailure): RegisteredStream {
    const isFailure = typeof found === "string";
    if (isFailure || !found.attachment?.readsOn) this.#resumed(isFailure ? found : "resumed");
    if (isFailure) throw resumeFailed(found);
    return found;
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
    registered.watcher?.attached(attachment);
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
    registered.watcher?.detached(why);
    if (registered.isMirror) this.#forget(registered);
    else this.#away(registered);
  }

  /** A stream's client is gone before it could be told of it, or lost another node's stream. */
  lose(registered: RegisteredStream, why: Code): void {
    const { attachment, isMirror } = registered;
    if (isMirror) {
      registered.attachment = undefined;
      this.#forget(registered);
      attachment?.detached(why);
    } else if (!attachment) {
      this.attach(registered, NOBODY);
      this.detach(registered, NOBODY, why);
    }
  }

  #away(registered: RegisteredStream): void {
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
    registered.watcher?.done(isAcknowledged);
    if (registered.isRepeatable || registered.isMirror) return;
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
    for (const registered of this.#streams.values()) {
      // It may have been paused because other logs took the memory, which may be free now.
      registered.stream.readerMoved();
      const fate = fateOf(registered, now, this.#limits);
      if (fate === "removed") this.#remove(registered);
      else if (fate) registered.stream.cancel(fate);
    }
  }

  /** Frees memory: evicts ended logs, then cancels the unread stream with the largest log, then pauses upstreams. */
  relieve(): void {
    this.#kept.relieve(EVICT_AT);
    if (this.#budget.isOver(CANCEL_AT)) cancelLargest(this.#streams.values());
    if (this.#budget.isOver(1)) pauseFull(this.#streams, this.#budget);
  }

  #remove(registered: RegisteredStream): void {
    const { stream, caller, attachment } = registered;
    registered.attachment = undefined;
    attachment?.detached("slow_consumer");
    this.#kept.delete(registered);
    this.#forget(registered);
    this.#removed.set(stream.info.id, caller);
  }

  #forget(registered: RegisteredStream): void {
    const { stream, watcher } = registered;
    stream.giveUp();
    if (this.#streams.get(stream.info.id) === registered) this.#streams.delete(stream.info.id);
    watcher?.removed();
  }
}
