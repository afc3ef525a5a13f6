/** What a test waits for on a loopback connection is there within milliseconds; a test that waits longer has failed. */
const PATIENCE_MS = 5_000;

/** Looks after every turn of the event loop until the condition holds. Rejects when it does not for five seconds. */
export async function turnsUntil(condition: () => boolean): Promise<void> {
  const since = performance.now();
  while (!condition()) {
    if (performance.now() - since > PATIENCE_MS) throw new Error("it did not come about");
    await new Promise((turn) => setImmediate(turn));
  }
}
