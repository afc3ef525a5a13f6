import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { type GatewayError, toGatewayError } from "../../core/kernel/errors.ts";

/** What is told of the keys. */
export interface KeyNews {
  /** Called with all keys at the start, and again soon after any process changed them. */
  readonly keys: (keys: readonly GatewayKey[]) => void;
  /** Called when the keys cannot be read any more, once until they can. Those read last stay in force. */
  readonly failed: (error: GatewayError) => void;
}

/** Where the keys are looked for. */
export interface KeySource {
  /** All keys, if they changed since it last returned them. Rejects with `store_unavailable`. */
  readonly changed: () => Promise<readonly GatewayKey[] | undefined>;
  /** Between two looks. */
  readonly lookMs: number;
  /** Called once, when no look is under way. */
  readonly close: () => Promise<void>;
}

/** A watch that runs until it is closed. */
export interface KeyWatch {
  /** Looks now: somebody said that keys changed. */
  look(): void;
  close(): Promise<void>;
}

/** Looks for changed keys again and again. Resolves after the first `keys`; rejects, with the source closed, when they cannot be read. */
export async function lookForKeys({ changed, lookMs, close }: KeySource, { keys, failed }: KeyNews): Promise<KeyWatch> {
  try {
    keys((await changed()) ?? []);
  } catch (error) {
    await close();
    throw error;
  }
  let isFailing = false;
  /** What runs now, and whether to look once more after it: what changed meanwhile may have come too late for it. */
  let looking = Promise.resolve();
  let isLooking = false;
  let isAgain = false;
  let isClosed = false;
  const look = async () => {
    isLooking = true;
    isAgain = false;
    try {
      const found = await changed();
      isFailing = false;
      if (found) keys(found);
    } catch (error) {
      if (!isFailing) failed(toGatewayError(error));
      isFailing = true;
    } finally {
      isLooking = false;
    }
    if (isAgain && !isClosed) await look();
  };
  const begin = () => {
    if (!isLooking && !isClosed) looking = look();
  };
  const timer = setInterval(begin, lookMs);
  return {
    look() {
      isAgain = isLooking;
      begin();
    },
    async close() {
      clearInterval(timer);
      isClosed = true;
      await looking;
      await close();
    },
  };
}
