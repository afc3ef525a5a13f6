/** On loopback, everything a test waits for arrives within milliseconds; a longer wait is a failure. */
const PATIENCE_MS = 5_000;

/** Checks the condition after every turn of the event loop. Rejects after five seconds. */
export async function turnsUntil(condition: () => boolean): Promise<void> {
  const since = performance.now();
  while (!condition()) {
    if (performance.now() - since > PATIENCE_MS) throw new Error("it did not come about");
    await new Promise((turn) => setImmediate(turn));
  }
}
