/** Half of what a test may take, so that the failure says where. Milliseconds are enough unless the machine is busy. */
const PATIENCE_MS = 30_000;

/** Checks the condition after every turn of the event loop. Rejects after half a minute. */
export async function turnsUntil(condition: () => boolean): Promise<void> {
  const since = performance.now();
  while (!condition()) {
    if (performance.now() - since > PATIENCE_MS) throw new Error("it did not come about");
    await new Promise((turn) => setImmediate(turn));
  }
}
