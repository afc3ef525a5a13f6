import { setTimeout } from "node:timers/promises";

/** Half of what a test may take, so that the failure says where. Milliseconds are enough unless the machine is busy. */
const PATIENCE_MS = 60_000;
/** What comes about within this process does so within as many turns. */
const TURNS = 200;
/** The pause between looks at what takes longer, which may be other processes: they need the processor. */
const PAUSE_MS = 5;

/** Looks at the condition after every turn of the event loop, and less often after a while. Rejects after a minute. */
export async function turnsUntil(condition: () => unknown): Promise<void> {
  const since = performance.now();
  for (let turns = 0; !(await condition()); turns++) {
    if (performance.now() - since > PATIENCE_MS) throw new Error(`it did not come about: ${condition}`);
    if (turns < TURNS) await new Promise((turn) => setImmediate(turn));
    else await setTimeout(PAUSE_MS);
  }
}
