import type { EventEmitter } from "node:events";
import { describeFault } from "./start-failure.ts";

/** Of the process: its events, and its end without waiting. */
export interface StopSource extends Pick<EventEmitter, "on"> {
  exit(code: number): void;
}

/** Why the process stops, and the exit code that says so. */
export interface Stop {
  readonly code: 0 | 1;
  readonly reason: Signal | "parent_gone" | "fault";
}

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
type Signal = (typeof SIGNALS)[number];

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
 * Resolves when the process should stop: with code 0 for the first SIGTERM, SIGINT or SIGHUP and for a parent that is
 * gone, with 1 for an uncaught exception. A second one that is no echo exits at once.
 */
export function waitForStop(source: StopSource, { report, now, echoMs, abandoned }: StopParts): Promise<Stop> {
  return new Promise((resolve) => {
    let stoppingSince: number | undefined;
    const stop = (why: Stop) => {
      if (stoppingSince !== undefined) source.exit(1);
      stoppingSince ??= now();
      resolve(why);
    };
    for (const signal of SIGNALS) {
      source.on(signal, () => {
        if (stoppingSince === undefined || now() - stoppingSince >= echoMs) stop({ code: 0, reason: signal });
      });
    }
    void abandoned.then(() => {
      if (stoppingSince === undefined) stop({ code: 0, reason: "parent_gone" });
    });
    // The state is unknown from here on: report it, let running streams end, and exit.
    source.on("uncaughtException", (error) => {
      report(`sluice: ${describeFault(error)}\n`);
      stop({ code: 1, reason: "fault" });
    });
  });
}
