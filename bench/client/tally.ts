import { Histogram } from "../figures/histogram.ts";

/** The client's counters. Losses always count, events and times only while their window is open. */
export class Tally {
  readonly latency = new Histogram();
  readonly ttft = new Histogram();
  readonly startLag = new Histogram();
  readonly failures: Record<string, number> = {};
  readonly cancelled: Record<string, number> = {};
  recording = false;
  events = 0;
  /** Events that arrived in the same read as the previous one. */
  lumped = 0;
  lost = 0;
  duplicated = 0;
  corrupt = 0;
  unstamped = 0;

  failed(reason: string): void {
    this.failures[reason] = (this.failures[reason] ?? 0) + 1;
  }
}
