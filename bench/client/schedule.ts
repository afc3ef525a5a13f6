import { setTimeout as sleep } from "node:timers/promises";
import type { Histogram } from "../figures/histogram.ts";
import { nowUs } from "../payload/clock.ts";

export interface Schedule {
  readonly perSecond: number;
  readonly count: number;
  /** Receives how late each start was, in microseconds. */
  readonly lag: Histogram;
}

/** Starts `count` things at fixed times, however long each takes; late ones start at once. */
export async function beginByClock(schedule: Schedule, begin: (index: number) => void): Promise<void> {
  const { perSecond, count, lag } = schedule;
  const startUs = nowUs();
  const intervalUs = 1e6 / perSecond;
  for (let index = 0; index < count; ) {
    const dueUs = startUs + index * intervalUs;
    const now = nowUs();
    if (now >= dueUs) {
      lag.record(now - dueUs);
      begin(index++);
    } else {
      await sleep(Math.max(1, Math.floor((dueUs - now) / 1000)));
    }
  }
}
