import type { EventEmitter } from "node:events";
import { describeFault } from "./start-failure.ts";

/** The parts of `process` used here: its events, and its immediate exit. */
export interface StopSource extends Pick<EventEmitter, "on"> {
  exit(code: number): void;
}

/** Why the process stops, and its exit code. */
export interface Stop {
  readonly code: 0 | 1;
  readonly reason: Signal | "parent_gone" | "fault";
}

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
type Signal = (typeof SIGNALS)[number];

/** What waiting for a stop needs. */
export interface StopParts {
  /** Receives the report of a fault, with line ends. */
  readonly report: (text: string) => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** Signals this soon after the first are its copies: npm forwards a Ctrl+C that the terminal sent to both. */
  readonly echoMs: number;
  /** Whether the terminal has gone: otherwise SIGHUP asks for a reload, and stops nothing. */
  readonly isHungUp: () => boolean;
  /** Resolves when the parent that the process must not outlive is gone. */
  readonly abandoned: Promise<void>;
}

/**
 * Resolves when the process should stop: with code 0 after the first SIGTERM or SIGINT, or SIGHUP of a terminal that
 * has gone, or when the parent is gone, with 1 after an uncaught exception. A second signal that is not a copy exits at once.
 */
export function waitForStop(
  source: StopSource,
  { report, now, echoMs, isHungUp, abandoned }: StopParts,
): Promise<Stop> {
  return new Promise((resolve) => {
    let stoppingSince: number | undefined;
    const stop = (why: Stop) => {
      if (stoppingSince !== undefined) source.exit(1);
      stoppingSince ??= now();
      resolve(why);
    };
    for (const signal of SIGNALS) {
      source.on(signal, () => {
        if (signal === "SIGHUP" && !isHungUp()) return;
        if (stoppingSince === undefined || now() - stoppingSince >= echoMs) stop({ code: 0, reason: signal });
      });
    }
    void abandoned.then(() => {
      if (stoppingSince === undefined) stop({ code: 0, reason: "parent_gone" });
    });
    // The state is unknown now: report the fault, let running streams end, and exit.
    source.on("uncaughtException", (error) => {
      report(`sluice: ${describeFault(error)}\n`);
      stop({ code: 1, reason: "fault" });
    });
  });
}
