import { setTimeout as sleep } from "node:timers/promises";
import { Histogram } from "../figures/histogram.ts";
import { nowUs } from "../payload/clock.ts";
import { type Plan, SHORT_PLAN } from "../payload/plan.ts";
import { FaultyReader } from "./faulty-reader.ts";
import type { Job, JobResult } from "./job.ts";
import { LoadStream } from "./load-stream.ts";
import { beginByClock } from "./schedule.ts";
import { Tally } from "./tally.ts";
import type { Wire } from "./wire/wire.ts";
import { wireOf } from "./wire/wire-of.ts";

const CONNECT_TIMEOUT_MS = 20_000;
/** How long streams may take to start before a run fails. */
const BEGIN_TIMEOUT_MS = 10_000;
/** Pause between the last stream's start and the window, so that the burst of starts is over. */
const CALM_MS = 300;
/** Sockets ready for probes. */
const PROBE_SOCKETS = 16;
/** How long the last probes may wait for their answers. */
const LAST_PROBES_MS = 300;
/** How long a client waits after its stream was refused, before it opens the next one. */
const RETRY_MS = 100;
const REHEARSALS_PER_SECOND = 250;
const CANCELS_PER_SECOND = 200;

/** Called when the window opens and closes. */
export type Announce = (news: "window-opened" | "window-closed") => void;

/** Runs one job: starts streams by the clock, regardless of the answers, and reads and checks everything. */
export class Load {
  readonly #job: Job;
  readonly #announce: Announce;
  readonly #tally = new Tally();
  readonly #wire: Wire;
  #lastKey = 0;
  #over = false;

  constructor(job: Job, announce: Announce) {
    this.#job = job;
    this.#announce = announce;
    this.#wire = wireOf(job.target);
  }

  async run(): Promise<JobResult> {
    const { sockets, faulty, settleMs = 0, openAtUs, windowMs, probesPerSecond, cancelAtEnd } = this.#job;
    const probing = probesPerSecond > 0 ? PROBE_SOCKETS : 0;
    try {
      await within(CONNECT_TIMEOUT_MS, this.#wire.connect(sockets + (faulty?.streams ?? 0) + probing));
      await this.#rehearse(sockets + probing);
      const steady = await this.#beginSteady();
      const readers = await this.#beginFaulty();
      await (openAtUs === undefined ? sleep(CALM_MS + settleMs) : until(openAtUs));
      const openedUs = nowUs();
      const windowUs = windowMs > 0 ? await this.#window() : 0;
      if (probing > 0) await this.#probe();
      for (const reader of readers) reader.stop();
      if (cancelAtEnd) await this.#cancel(steady);
      return this.#result(openedUs, windowUs);
    } finally {
      this.#over = true;
      this.#wire.close();
    }
  }

  async #rehearse(sockets: number): Promise<void> {
    const { rehearsals = 0 } = this.#job;
    if (rehearsals === 0) return;
    await beginByClock({ perSecond: REHEARSALS_PER_SECOND, count: rehearsals, lag: new Histogram() }, (index) => {
      this.#wire.start(new LoadStream(this.#short(), this.#tally, "steady"), index % sockets);
    });
    await sleep(LAST_PROBES_MS);
  }

  async #beginSteady(): Promise<LoadStream[]> {
    const { streams, sockets, plan, warmupMs } = this.#job;
    const begun: LoadStream[] = [];
    const start = (index: number) => begun.push(this.#steady(inStep(plan, index), index % sockets));
    await beginByClock({ perSecond: (streams / warmupMs) * 1000, count: streams, lag: this.#tally.startLag }, start);
    const giveUpAt = performance.now() + BEGIN_TIMEOUT_MS;
    while (!begun.every((stream) => stream.begun)) {
      if (performance.now() > giveUpAt) {
        const missing = begun.filter((stream) => !stream.begun).length;
        throw new Error(`${missing} of ${streams} streams had no event after ${BEGIN_TIMEOUT_MS / 1000} s`);
      }
      await sleep(20);
    }
    return begun;
  }

  #steady(plan: Plan, socket: number): LoadStream {
    const next = (failed: boolean) => {
      if (!this.#job.renew || this.#over) return;
      // Not within the call that ended this one; refused clients wait, as agents do.
      setTimeout(() => this.#over || this.#steady(plan, socket), failed ? RETRY_MS : 0);
    };
    const stream = new LoadStream(this.#keyed(plan), this.#tally, "steady", next);
    this.#wire.start(stream, socket);
    return stream;
  }

  /** Faulty readers get their own sockets, so that one that reads nothing does not block others. */
  async #beginFaulty(): Promise<FaultyReader[]> {
    const { faulty, target, sockets } = this.#job;
    if (!faulty) return [];
    const readers: FaultyReader[] = [];
    for (let index = 0; index < faulty.streams; index++) {
      const stream = new LoadStream(this.#keyed(faulty.plan), this.#tally, "faulty");
      this.#wire.start(stream, sockets + index);
      readers.push(new FaultyReader(this.#wire, stream, faulty.fault, target.acknowledges ?? false));
      if (index % 20 === 19) await sleep(10);
    }
    return readers;
  }

  /** Returns the window's length in microseconds. */
  async #window(): Promise<number> {
    const openedUs = nowUs();
    this.#announce("window-opened");
    this.#tally.recording = true;
    await sleep(this.#job.windowMs);
    this.#tally.recording = false;
    const us = nowUs() - openedUs;
    this.#announce("window-closed");
    return us;
  }

  async #probe(): Promise<void> {
    const { sockets, faulty, probesPerSecond, probeMs } = this.#job;
    const first = sockets + (faulty?.streams ?? 0);
    const count = Math.round((probesPerSecond * probeMs) / 1000);
    await beginByClock({ perSecond: probesPerSecond, count, lag: this.#tally.startLag }, (index) => {
      const stream = new LoadStream(this.#short(), this.#tally, "probe");
      this.#wire.start(stream, first + (index % PROBE_SOCKETS));
    });
    await sleep(LAST_PROBES_MS);
  }

  async #cancel(streams: readonly LoadStream[]): Promise<void> {
    await beginByClock({ perSecond: CANCELS_PER_SECOND, count: streams.length, lag: this.#tally.startLag }, (index) => {
      const stream = streams[index];
      if (stream) this.#wire.cancel(stream);
    });
    await sleep(LAST_PROBES_MS);
  }

  #short(): Plan {
    return this.#keyed({ ...SHORT_PLAN, payload: this.#job.plan.payload });
  }

  #keyed(plan: Plan): Plan {
    return { ...plan, key: ++this.#lastKey };
  }

  #result(openedUs: number, windowUs: number): JobResult {
    const { latency, ttft, startLag, events, lumped, lost, duplicated, corrupt, unstamped, failures, cancelled } =
      this.#tally;
    return {
      events,
      lumped,
      windowUs,
      openedUs,
      latency: latency.toData(),
      ttft: ttft.toData(),
      startLag: startLag.toData(),
      lost,
      duplicated,
      corrupt,
      unstamped,
      failures,
      cancelled,
    };
  }
}

/** The fractional part of the golden ratio: any number of its multiples fill an interval evenly. */
const GOLDEN = 0.618_033_988_749_895;

/** Offsets a stream's writes within their interval, so that all streams together write evenly. */
function inStep(plan: Plan, index: number): Plan {
  if (plan.writesPerSecond === 0) return plan;
  const shiftMs = ((index * GOLDEN) % 1) * (1000 / plan.writesPerSecond);
  return { ...plan, firstMs: plan.firstMs + Math.round(shiftMs * 1000) / 1000 };
}

/** Waits until a time of the shared clock; not at all if it has passed. A timer may come up to a millisecond early. */
async function until(atUs: number): Promise<void> {
  for (let leftUs = atUs - nowUs(); leftUs > 0; leftUs = atUs - nowUs()) await sleep(Math.ceil(leftUs / 1000));
}

async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  const timeout = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`not connected within ${timeoutMs / 1000} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => undefined);
    timeout.abort();
  }
}
