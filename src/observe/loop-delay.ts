import { monitorEventLoopDelay } from "node:perf_hooks";

/** How often the platform samples its clock: fine enough for delays of a few milliseconds. */
const RESOLUTION_MS = 20;

/** One stall in this time is an accident, several are load: of 250 samples the 99th percentile is the third worst. */
const WINDOW_MS = 5_000;

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>;

/** How late the event loop runs, over its last five to ten seconds. */
export class LoopDelay {
  /** Undefined in the first window, when a single late turn at startup would decide. */
  #older: DelayHistogram | undefined;
  #newer = startedHistogram();
  readonly #turns = setInterval(() => this.#turn(), WINDOW_MS).unref();

  /** The delay this share of turns stayed within, in milliseconds; 1 is the worst. 0 in the first five seconds. */
  quantileMs(share: number): number {
    // The histogram holds the time between two samples.
    return this.#older ? Math.max(0, this.#older.percentile(share * 100) / 1e6 - RESOLUTION_MS) : 0;
  }

  /** Stops sampling. */
  close(): void {
    clearInterval(this.#turns);
    this.#older?.disable();
    this.#newer.disable();
  }

  #turn(): void {
    const next = this.#older ?? startedHistogram();
    next.reset();
    this.#older = this.#newer;
    this.#newer = next;
  }
}

function startedHistogram(): DelayHistogram {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return histogram;
}
