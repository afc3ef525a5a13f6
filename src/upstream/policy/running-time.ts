import { type Clock, MAX_TIMER_MS } from "../../core/kernel/clock.ts";

/** The timer function used here. Tests pass one they advance themselves. */
export interface Timers {
  /** Calls `work` once after at least `ms`; returns a function that cancels it. Does not keep the process alive. */
  after(ms: number, work: () => void): () => void;
}

const PLATFORM: Timers = {
  after(ms, work) {
    const timer = setTimeout(work, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** How often to check for a standstill; also the largest error. */
const PULSE_MS = 1_000;

/**
 * A clock that stops while this process does (SIGSTOP, a suspended machine, an event loop blocked for a second or more), so
 * that no upstream counts as silent while we could not listen. All limits of calls use it. `wall` does not stop.
 */
export class RunningTime implements Clock {
  readonly #clock: Clock;
  readonly #timers: Timers;
  #stoodMs = 0;
  #stopPulse: () => void = () => {};

  constructor(clock: Clock, timers: Timers = PLATFORM) {
    this.#clock = clock;
    this.#timers = timers;
    this.#beat();
  }

  now(): number {
    return this.#clock.now() - this.#stoodMs;
  }

  wall(): number {
    return this.#clock.wall();
  }

  /**
   * Calls `ring` once after `ms` of running time, after that turn's reads, so that data which had arrived counts. Returns a
   * function that cancels it.
   */
  after(ms: number, ring: () => void): () => void {
    const at = this.now() + ms;
    let callOff: () => void;
    const wait = () => {
      const waitMs = Math.min(Math.max(0, Math.ceil(at - this.now())), MAX_TIMER_MS);
      callOff = this.#timers.after(waitMs, () => {
        const looking = setImmediate(() => (this.now() < at ? wait() : ring()));
        callOff = () => clearImmediate(looking);
      });
    };
    wait();
    return () => callOff();
  }

  /** Stops checking for standstills. */
  stop(): void {
    this.#stopPulse();
  }

  /** A pulse that is a second late or more shows how long the process stood still. */
  #beat(): void {
    const dueAt = this.#clock.now() + PULSE_MS;
    this.#stopPulse = this.#timers.after(PULSE_MS, () => {
      const lateMs = this.#clock.now() - dueAt;
      if (lateMs >= PULSE_MS) this.#stoodMs += lateMs;
      this.#beat();
    });
  }
}
