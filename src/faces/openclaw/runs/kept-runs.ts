import type { SessionStore } from "../sessions/session-store.ts";
import { type KeptMessage, type KeptMessages, type RestoreParts, restoredRequest } from "./kept-messages.ts";
import type { RunQueue } from "./run-queue.ts";

/** What brings waiting messages back into the queue. */
export interface KeptRunsParts extends RestoreParts {
  readonly kept: KeptMessages;
  readonly sessions: SessionStore;
  readonly runs: RunQueue;
  /** Reports that the store could not be read. */
  readonly fault: (error: unknown) => void;
}

/** Between two looks for messages that waited in processes that have ended, in milliseconds. */
const LOOK_MS = 15_000;

/** The messages that waited when this gateway, or another that shares the store, ended. */
export class KeptRuns {
  readonly #parts: KeptRunsParts;
  #looking: NodeJS.Timeout | undefined;

  constructor(parts: KeptRunsParts) {
    this.#parts = parts;
  }

  /** Puts them back into the queue. `RunQueue.resume` starts them. Rejects with `store_unavailable`. */
  async restore(): Promise<void> {
    await this.#restore(this.#parts.kept.inOrder());
  }

  /** From now on, also takes those of other processes that end. */
  follow(everyMs: number = LOOK_MS): void {
    this.#looking = setInterval(() => void this.look(), everyMs).unref();
  }

  /** Takes and starts those of processes that have ended since. Reports when it cannot. */
  async look(): Promise<void> {
    const { kept, runs, fault } = this.#parts;
    try {
      const claimed = await kept.claim();
      await this.#restore(claimed);
      if (claimed.length > 0) runs.resume();
    } catch (error) {
      fault(error);
    }
  }

  close(): void {
    clearInterval(this.#looking);
  }

  async #restore(messages: readonly (readonly [runId: string, message: KeptMessage])[]): Promise<void> {
    const { sessions, runs } = this.#parts;
    for (const [runId, message] of messages) {
      const session = await sessions.openOrCreate(message.sessionKey);
      runs.restore(restoredRequest(runId, message, session, this.#parts), message.acceptedAt);
    }
  }
}
