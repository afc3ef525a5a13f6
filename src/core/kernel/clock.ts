/** Monotonic milliseconds for durations, wall-clock milliseconds for timestamps. */
export interface Clock {
  now(): number;
  wall(): number;
}

/** The longest delay `setTimeout` keeps, in milliseconds: it takes a longer one for no delay at all. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
