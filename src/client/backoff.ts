const FIRST_MS = 250;
const MAX_MS = 10_000;

/**
 * How long to wait before attempt number `attempt` (from 0) of a connection, in milliseconds: at random up to a bound
 * that doubles, so that the clients of a gateway that restarts do not return together. `random` is from 0 to 1.
 */
export const backoffMs = (attempt: number, random: number): number =>
  random * Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
