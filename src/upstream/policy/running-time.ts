import { type Clock, MAX_TIMER_MS } from "../../core/kernel/clock.ts";

/** The platform's timer, as far as it is needed here. Tests bring one that they move on themselves. */
export interface Timers {
  /** Calls `work` once, `ms` later or more; gives what calls it off. Keeps no process alive. */
  after(ms: number, work: () => void): () => void;
}

const PLATFORM: Timers = {
  after(ms, work) {
    const timer = setTimeout(work, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** How often the process looks whether it stood still: what it may be wrong by. */
const PULSE_MS = 1_000;

/**
 * The time in which this process ran. It stands still while the process does (SIGSTOP, a paused machine, an event loop
 * that is blocked for a second or more), so that nobody is held to have been silent while we could not listen. All limits
 * of calls are measured in it. `wall` is the clock of everybody else, and goes on.
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
   * Rings once, when so much of this time has passed, behind the reads of that turn: what had come by then counts. Gives
   * what calls it off.
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

  /** Looks no more whether the process stands still. */
  stop(): void {
    this.#stopPulse();
  }

  /** A pulse that comes a second late or more tells for how long nothing ran. */
  #beat(): void {
    const dueAt = this.#clock.now() + PULSE_MS;
    this.#stopPulse = this.#timers.after(PULSE_MS, () => {
      const lateMs = this.#clock.now() - dueAt;
      if (lateMs >= PULSE_MS) this.#stoodMs += lateMs;
      this.#beat();
    });
  }
}
