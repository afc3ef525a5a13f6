import type { EventEmitter } from "node:events";
import { describeFault } from "./start-failure.ts";

/** Of the process: its events, and its end without waiting. */
export interface StopSource extends Pick<EventEmitter, "on"> {
  exit(code: number): void;
}

export interface StopParts {
  /** Where the report of a fault goes, line ends included. */
  readonly report: (text: string) => void;
  /** A clock, in milliseconds. */
  readonly now: () => number;
  /** Signals so close to the first are the same wish: whoever passes them on sends what came to all of a terminal again. */
  readonly echoMs: number;
  /** Resolves when whoever must not be outlived is gone: as a first SIGTERM. */
  readonly abandoned: Promise<void>;
}

/**
 * Resolves with the exit code when the process should stop: 0 for the first SIGTERM, SIGINT or SIGHUP, 1 for a fault nobody
 * caught. A second of them that is no echo means at once.
 */
export function waitForStop(source: StopSource, { report, now, echoMs, abandoned }: StopParts): Promise<number> {
  return new Promise((resolve) => {
    let stoppingSince: number | undefined;
    const stop = (code: number) => {
      if (stoppingSince !== undefined) source.exit(1);
      stoppingSince ??= now();
      resolve(code);
    };
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
      source.on(signal, () => {
        if (stoppingSince === undefined || now() - stoppingSince >= echoMs) stop(0);
      });
    }
    void abandoned.then(() => {
      if (stoppingSince === undefined) stop(0);
    });
    // What is broken by now nobody knows: say so, let streams end, and go.
    source.on("uncaughtException", (error) => {
      report(`sluice: ${describeFault(error)}\n`);
      stop(1);
    });
  });
}
