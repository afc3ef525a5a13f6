import { monitorEventLoopDelay } from "node:perf_hooks";

/** The platform looks at its clock this often; fine enough for delays from some milliseconds on. */
const RESOLUTION_MS = 20;

/** One stall within so long is an accident, several are a load: 250 looks, so the 99th percentile is the third worst. */
const WINDOW_MS = 5_000;

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>;

/** How late the event loop is, over a window that slides: its last five to ten seconds. */
export class LoopDelay {
  /** Undefined in the first window, when a single late turn of the start would decide. */
  #older: DelayHistogram | undefined;
  #newer = startedHistogram();
  readonly #turns = setInterval(() => this.#turn(), WINDOW_MS).unref();

  /** The delay that this share of turns stayed within, in milliseconds; 1 is the worst. 0 in the first five seconds. */
  quantileMs(share: number): number {
    // What it measures is the time between two looks.
    return this.#older ? Math.max(0, this.#older.percentile(share * 100) / 1e6 - RESOLUTION_MS) : 0;
  }

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
