/** The limits on each wait of a call that a route sets, in milliseconds. Defaults: src/config/route-schema.ts. */
export interface RouteTimeouts {
  /** From the call to a usable connection, all attempts included. */
  readonly connectMs: number;
  /** From the sent request to the response headers: models think first. */
  readonly headersMs: number;
  /** From the headers to the first event with data. */
  readonly firstEventMs: number;
  /** Between two reads of the body; comments and pings count. */
  readonly idleMs: number;
  /** Between two events with data. */
  readonly progressMs: number;
  /** For the whole call. */
  readonly totalMs: number;
}

/** All limits on the waits of a call, in milliseconds. */
export interface Timeouts extends RouteTimeouts {
  /** From a complete answer to the end of its body. */
  readonly endMs: number;
  /** For reading the body of an error. */
  readonly errorBodyMs: number;
  /** For the body to end after the stream's last event, so that the connection can be reused. */
  readonly finishMs: number;
}

/**
 * Limits that no route sets. Usage and `[DONE]` follow the last finish reason at once; some servers send neither and keep the
 * connection open, and the client waits as long as we do. Error bodies, and what follows a terminal event, are short and
 * come at once or not at all.
 */
export const FIXED_TIMEOUTS = { endMs: 3_000, errorBodyMs: 5_000, finishMs: 1_000 } as const;

/** The phase of a call. Between attempts and while paused, only the total limit applies. */
export type Phase = "connect" | "headers" | "first_event" | "events" | "error_body" | "retry";

/** `end` is not a failure: the answer is complete, and its body counts as ended. */
export type Timer = "end" | "connect" | "headers" | "first_event" | "idle" | "progress" | "error_body" | "total";

/** The time limit that expires next, and when: a clock reading in milliseconds. */
export interface Deadline {
  readonly timer: Timer;
  /** Reading of the given clock, in milliseconds. */
  readonly at: number;
}

/**
 * Computes which limit expires next from recorded times. No timers here: recording a chunk or an event costs one
 * assignment, and the owner checks again when the reported time comes.
 */
export class Deadlines {
  readonly #timeouts: Timeouts;
  readonly #now: () => number;
  readonly #startedAt: number;
  #phase: Phase = "connect";
  #phaseAt: number;
  #bytesAt: number;
  #eventAt: number;
  #pausedAt: number | undefined;
  #wholeAt: number | undefined;

  constructor(timeouts: Timeouts, now: () => number) {
    this.#timeouts = timeouts;
    this.#now = now;
    this.#startedAt = now();
    this.#phaseAt = this.#bytesAt = this.#eventAt = this.#startedAt;
  }

  get phase(): Phase {
    return this.#phase;
  }

  enter(phase: Phase): void {
    this.#phase = phase;
    this.#phaseAt = this.#bytesAt = this.#eventAt = this.#now();
  }

  /** Records that bytes of the body arrived. */
  bytes(): void {
    this.#bytesAt = this.#now();
  }

  /** Records that the bytes just recorded contained an event. */
  event(): void {
    this.#eventAt = this.#bytesAt;
  }

  /** The event just noted completed the answer; with `false`, the answer continues after all. */
  awaitEnd(isWhole: boolean): void {
    this.#wholeAt = isWhole ? (this.#wholeAt ?? this.#bytesAt) : undefined;
  }

  pause(): void {
    this.#pausedAt ??= this.#now();
  }

  /** Resumes each wait where the pause stopped it. */
  resume(): void {
    if (this.#pausedAt === undefined) return;
    const now = this.#now();
    const later = (at: number) => Math.min(now, at + now - (this.#pausedAt ?? now));
    this.#phaseAt = later(this.#phaseAt);
    this.#bytesAt = later(this.#bytesAt);
    this.#eventAt = later(this.#eventAt);
    if (this.#wholeAt !== undefined) this.#wholeAt = later(this.#wholeAt);
    this.#pausedAt = undefined;
  }

  next(): Deadline {
    const total: Deadline = { timer: "total", at: this.#startedAt + this.#timeouts.totalMs };
    const own = this.#ofPhase();
    return own && own.at < total.at ? own : total;
  }

  #ofPhase(): Deadline | undefined {
    const limits = this.#timeouts;
    if (this.#pausedAt !== undefined) return undefined;
    switch (this.#phase) {
      case "connect":
        return { timer: "connect", at: this.#phaseAt + limits.connectMs };
      case "headers":
        return { timer: "headers", at: this.#phaseAt + limits.headersMs };
      case "first_event":
        return { timer: "first_event", at: this.#phaseAt + limits.firstEventMs };
      case "error_body":
        return { timer: "error_body", at: this.#phaseAt + limits.errorBodyMs };
      case "events": {
        if (this.#wholeAt !== undefined) return { timer: "end", at: this.#wholeAt + limits.endMs };
        const idleAt = this.#bytesAt + limits.idleMs;
        const progressAt = this.#eventAt + limits.progressMs;
        return idleAt <= progressAt ? { timer: "idle", at: idleAt } : { timer: "progress", at: progressAt };
      }
      case "retry":
        return undefined;
    }
  }
}

/** Limits for a unary call: the whole response arrives when it is finished, so only the total bounds the wait. */
export const forWholeAnswer = (timeouts: Timeouts): Timeouts => ({
  ...timeouts,
  headersMs: timeouts.totalMs,
  firstEventMs: timeouts.totalMs,
});
