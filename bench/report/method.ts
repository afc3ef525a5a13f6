import { describePlacement } from "../runner/placement.ts";
import type { Settings } from "../scenarios/scenario.ts";

/** The method in a few sentences, stored with every result; bench/README.md has the details. */
export const methodOf = ({ runs, windowMs, payload, cpus }: Settings): string[] => [
  "upstream, gateway and client are separate processes on one machine, connected over loopback",
  describePlacement(cpus),
  `rows take turns, one run each, ${runs} times; figures are medians of the runs, with the least and the most`,
  "before a window that is not cold, a gateway has started 500 streams, most of which ended at once, so that its code is compiled; a cold one opens 2 s after the process was started",
  `figures cover a window of ${windowMs / 1000} s that opens once all streams run`,
  `events have the payload ${payload}; each carries its number and the time of its write on a clock that all processes share, or the time it was due if its socket accepted nothing`,
  "latency ends when the client's read that delivered the event returns; every payload is compared byte for byte",
  "requests start by the clock, regardless of the answers",
  "CPU is user and system time of the gateway's process, all threads, from /proc; memory is its resident set",
];
