import { setTimeout } from "node:timers/promises";
import { isOutage } from "./outage.ts";

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;

/**
 * Makes a call again while the server is away, until `patienceMs` have passed since the first: a restart takes a few
 * seconds. For calls that may take effect twice. Rejects with the last error.
 */
export async function patiently<Result>(call: () => Promise<Result>, patienceMs: number): Promise<Result> {
  const endsAt = performance.now() + patienceMs;
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!isOutage(error) || performance.now() + waitMs > endsAt) throw error;
    }
    await setTimeout(waitMs);
  }
}
