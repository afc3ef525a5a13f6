/** How often it looks whether this process runs, in milliseconds. */
const TICK_MS = 10;

/**
 * Milliseconds since this was called, as a process counts them that may always run: what a busy machine takes away at a stretch
 * does not count. For limits of what happens in this process; on an idle machine they are as strict as by any clock.
 */
export function ownTime(): () => number {
  let countedMs = 0;
  let lookedAt = performance.now();
  const count = () => {
    const at = performance.now();
    // A timer may be a tick late.
    countedMs += Math.min(at - lookedAt, 2 * TICK_MS);
    lookedAt = at;
  };
  const ticks = setInterval(count, TICK_MS).unref();
  return () => {
    count();
    clearInterval(ticks);
    return countedMs;
  };
}
