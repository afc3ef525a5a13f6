import type { RunningTime } from "../policy/running-time.ts";
import type { Deadlines, Timer } from "./deadlines.ts";

/** The one timer for all limits of a call: armed again only for an earlier limit, never for a chunk or an event. */
export class Alarm {
  readonly #deadlines: Deadlines;
  readonly #time: RunningTime;
  readonly #ring: (timer: Timer) => void;
  #callOff: () => void = () => {};
  #armedFor = Number.POSITIVE_INFINITY;

  /** `ring` is told which limit has run out. */
  constructor(deadlines: Deadlines, time: RunningTime, ring: (timer: Timer) => void) {
    this.#deadlines = deadlines;
    this.#time = time;
    this.#ring = ring;
  }

  /** Call it when the next limit may be earlier than before. One that moved later is found out when the timer comes. */
  arm(): void {
    const { at } = this.#deadlines.next();
    if (at >= this.#armedFor) return;
    this.#callOff();
    this.#armedFor = at;
    this.#callOff = this.#time.after(at - this.#time.now(), () => this.#look());
  }

  /** Never rings again, unless it is armed. */
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
