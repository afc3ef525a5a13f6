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
  /** Resolves when whoever must not be outlived is gone: as a first SIGTERM. */
  readonly abandoned: Promise<void>;
}

/** Ctrl+C reaches npm too, which passes it on: signals so close together are one wish. Nobody presses twice so fast in anger. */
const ONE_WISH_MS = 500;

/**
 * Resolves with the exit code when the process should stop: 0 for the first SIGTERM, SIGINT or SIGHUP, 1 for a fault nobody
 * caught. A second of them, half a second later or more, means at once.
 */
export function waitForStop(source: StopSource, { report, now, abandoned }: StopParts): Promise<number> {
  return new Promise((resolve) => {
    let stoppingSince: number | undefined;
    const stop = (code: number) => {
      if (stoppingSince !== undefined) source.exit(1);
      stoppingSince ??= now();
      resolve(code);
    };
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
      source.on(signal, () => {
        if (stoppingSince === undefined || now() - stoppingSince >= ONE_WISH_MS) stop(0);
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
