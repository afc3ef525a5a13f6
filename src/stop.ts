import type { EventEmitter } from "node:events";
import { describeFault } from "./start-failure.ts";

/** Of the process: its events, and its end without waiting. */
export interface StopSource extends Pick<EventEmitter, "on"> {
  exit(code: number): void;
}

/**
 * Resolves with the exit code when the process should stop: 0 for the first SIGTERM or SIGINT, 1 for a fault nobody
 * caught. A second of them means at once.
 */
export function waitForStop(source: StopSource, report: (text: string) => void): Promise<number> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (code: number) => {
      if (stopping) source.exit(1);
      stopping = true;
      resolve(code);
    };
    source.on("SIGTERM", () => stop(0));
    source.on("SIGINT", () => stop(0));
    // What is broken by now nobody knows: say so, let streams end, and go.
    source.on("uncaughtException", (error) => {
      report(`sluice: ${describeFault(error)}\n`);
      stop(1);
    });
  });
}
