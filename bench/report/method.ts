import { describePlacement } from "../runner/placement.ts";
import type { Settings } from "../scenarios/scenario.ts";

/** The method in a few sentences, kept with every result; bench/README.md says it at length. */
export const methodOf = ({ runs, windowMs }: Settings): string[] => [
  "upstream, gateway and client are processes of their own on one machine, over loopback",
  describePlacement(),
  `rows take turns, one run of each after the other, ${runs} times; figures are medians of the runs, with the least and the greatest`,
  "a gateway has begun 500 streams, of which most ended at once, before any window: what compiles code as it runs has seen it",
  `figures are of a window of ${windowMs / 1000} s that opens when all streams run`,
  "events are OpenAI chat chunks of 230 bytes; each carries its number and the time of its write on the clock all processes share, or the time it was due when its socket took nothing",
  "latency ends when the client's read that brought the event returns; every payload is compared byte for byte",
  "requests are begun by the clock, whatever the answers are",
  "CPU is user and system time of the gateway's process, all threads, from /proc; memory is its resident set",
];
