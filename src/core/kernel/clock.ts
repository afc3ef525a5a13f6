/** The time in milliseconds: `now` is monotonic, for durations; `wall` is the wall clock, for timestamps. */
export interface Clock {
  now(): number;
  wall(): number;
}

/** The longest delay `setTimeout` supports, in milliseconds. Longer ones fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
