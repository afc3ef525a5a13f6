/** Monotonic milliseconds for durations, wall-clock milliseconds for timestamps, and fresh ids. */
export interface Clock {
  now(): number;
  wall(): number;
}
