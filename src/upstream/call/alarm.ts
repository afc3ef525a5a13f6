import type { RunningTime } from "../policy/running-time.ts";
import type { Deadlines, Timer } from "./deadlines.ts";

/** The single timer for all limits of a call. Rearmed only for an earlier limit, never per chunk or event. */
export class Alarm {
  readonly #deadlines: Deadlines;
  readonly #time: RunningTime;
  readonly #ring: (timer: Timer) => void;
  #callOff: () => void = () => {};
  #armedFor = Number.POSITIVE_INFINITY;

  /** `ring` receives the limit that expired. */
  constructor(deadlines: Deadlines, time: RunningTime, ring: (timer: Timer) => void) {
    this.#deadlines = deadlines;
    this.#time = time;
    this.#ring = ring;
  }

  /** Call this when the next limit may have moved earlier. A limit that moved later is noticed when the timer fires. */
  arm(): void {
    const { at } = this.#deadlines.next();
    if (at >= this.#armedFor) return;
    this.#callOff();
    this.#armedFor = at;
    this.#callOff = this.#time.after(at - this.#time.now(), () => this.#look());
  }

  /** Does not ring again unless rearmed. */
  stop(): void {
    this.#callOff();
  }

  #look(): void {
    const { timer, at } = this.#deadlines.next();
    this.#armedFor = Number.POSITIVE_INFINITY;
    if (at > this.#time.now()) this.arm();
    else this.#ring(timer);
  }
}
