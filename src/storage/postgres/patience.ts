import { setTimeout } from "node:timers/promises";
import { isOutage } from "./outage.ts";

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;

/** How long a call is made again, and who is told. */
export interface Patience {
  /** Monotonic time in milliseconds after which no further attempt begins; asked before each. */
  readonly endsAt: () => number;
  /** Called at each failure that another attempt follows. */
  readonly failed?: () => void;
}

/** Makes a call again while the server is away. For calls that may take effect twice. Rejects with the last error. */
export async function patiently<Result>(call: () => Promise<Result>, { endsAt, failed }: Patience): Promise<Result> {
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!isOutage(error) || performance.now() + waitMs > endsAt()) throw error;
      failed?.();
    }
    await setTimeout(waitMs);
  }
}
