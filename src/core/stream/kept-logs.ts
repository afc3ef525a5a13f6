import { GatewayError } from "../kernel/errors.ts";
import { type LogBudget, REFUSE_AT, SENT_SHARE } from "./log-budget.ts";
import type { Stream } from "./stream.ts";

/** An ended stream whose log is kept. */
interface Kept {
  readonly stream: Stream;
  /** Its client has handled all of it. */
  readonly isHandled: boolean;
}

/** The logs of ended streams without a reader, and the order in which they are dropped. */
export class KeptLogs {
  readonly #budget: LogBudget;
  /** Longest waiting first. */
  readonly #kept = new Set<Kept>();
  /** Those of them that were sent to their end to clients that did not acknowledge it, oldest first, with their sizes. */
  readonly #sent = new Map<Kept, number>();
  #sentBytes = 0;

  constructor(budget: LogBudget) {
    this.#budget = budget;
  }

  add(kept: Kept): void {
    this.#kept.add(kept);
  }

  delete(kept: Kept): void {
    this.#kept.delete(kept);
    this.#sentBytes -= this.#sent.get(kept) ?? 0;
    this.#sent.delete(kept);
  }

  /** Drops one log, which nobody needs again. */
  drop(kept: Kept): void {
    this.delete(kept);
    kept.stream.log.evict();
  }

  /**
   * A log was sent to its end: it is needed only if what the socket took was lost on its way. Drops the oldest such logs
   * beyond `SENT_SHARE` of the budget, never the newest.
   */
  sent(kept: Kept): void {
    if (!this.#kept.has(kept) || this.#sent.has(kept)) return;
    const { bytes } = kept.stream.log;
    this.#sent.set(kept, bytes);
    this.#sentBytes += bytes;
    for (const oldest of this.#sent.keys()) {
      if (oldest === kept || this.#sentBytes <= this.#budget.maxBytes * SENT_SHARE) return;
      this.drop(oldest);
    }
  }

  /** Drops logs to make room for another stream's. Throws `overloaded` if that does not help. */
  makeRoom(): void {
    // A new stream is worth more than the log of an ended one.
    this.relieve(REFUSE_AT);
    if (!this.#budget.isOver(REFUSE_AT)) return;
    throw new GatewayError("overloaded", "no memory for another stream's log", {
      retryAfterMs: 1_000,
      setting: "limits.totalLogBytes",
    });
  }

  /** Drops logs until less than this share of the budget is used: handled ones first, then the longest waiting. */
  relieve(share: number): void {
    if (!this.#budget.isOver(share)) return;
    const handled = [...this.#kept].filter(({ isHandled }) => isHandled);
    for (const kept of [...handled, ...this.#kept]) {
      if (!this.#budget.isOver(share)) return;
      this.drop(kept);
    }
  }
}

/** Cancels the stream without a reader whose log is the largest, and drops that log. */
export function cancelLargest(
  streams: Iterable<{ readonly stream: Stream; readonly attachment: unknown; readonly isMirror: boolean }>,
): void {
  let largest: Stream | undefined;
  for (const { stream, attachment, isMirror } of streams) {
    if (attachment || isMirror || stream.terminal) continue;
    if (stream.log.bytes > (largest?.log.bytes ?? 0)) largest = stream;
  }
  const setting = "limits.totalLogBytes";
  largest?.cancel(new GatewayError("overloaded", "the stream had no reader, and its memory was needed", { setting }));
  largest?.log.evict();
}

/** Trims all logs, and pauses the upstreams of those that are full although the others were trimmed, too. */
export function pauseFull(streams: ReadonlyMap<string, { readonly stream: Stream }>, budget: LogBudget): void {
  for (const { stream } of streams.values()) stream.readerMoved();
  // What later ones gave back, earlier ones were paused for.
  if (!budget.isOver(1)) for (const { stream } of streams.values()) stream.readerMoved();
}
