import { statfs } from "node:fs/promises";
import { type EventLoopUtilization, performance } from "node:perf_hooks";
import { cpuUsage, memoryUsage } from "node:process";

/** What the vitals are read from. */
export interface VitalsParts {
  readonly loop: { quantileMs(share: number): number };
  /** How late the event loop may run before streams are refused, in milliseconds. */
  readonly loopDelayMs: number;
  /** On the disk to be shown; undefined for a gateway that stores nothing. */
  readonly directory: string | undefined;
}

/** How busy the event loop was since the last but one sample, 5 to 10 s ago. A share of 1 is a whole core. */
export interface LoopVitals {
  /** Whether it runs so late that streams are refused. */
  readonly degraded: boolean;
  readonly intervalMs: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  readonly utilization: number;
  readonly cpuShare: number;
}

/** In bytes, as Node's `memoryUsage` defines them. */
export interface MemoryVitals {
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
  readonly arrayBuffersBytes: number;
}

/** The space of one disk, in bytes. */
export interface DiskSpace {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

const SAMPLE_MS = 5_000;

interface Sample {
  readonly atMs: number;
  readonly loop: EventLoopUtilization;
  /** In microseconds. */
  readonly cpu: { readonly user: number; readonly system: number };
}

const sample = (): Sample => ({
  atMs: performance.now(),
  loop: performance.eventLoopUtilization(),
  cpu: cpuUsage(),
});

/** Figures about this process and its disk, for people who watch it. */
export class Vitals {
  readonly #parts: VitalsParts;
  #older = sample();
  #newer = this.#older;
  readonly #samples = setInterval(() => {
    this.#older = this.#newer;
    this.#newer = sample();
  }, SAMPLE_MS).unref();

  constructor(parts: VitalsParts) {
    this.#parts = parts;
  }

  loop(): LoopVitals {
    const { loop, loopDelayMs } = this.#parts;
    const since = this.#older;
    const intervalMs = Math.max(1, performance.now() - since.atMs);
    const { user, system } = cpuUsage();
    const cpuMs = (user + system - since.cpu.user - since.cpu.system) / 1_000;
    const delayP99Ms = loop.quantileMs(0.99);
    return {
      degraded: delayP99Ms > loopDelayMs,
      intervalMs,
      delayP99Ms,
      delayMaxMs: loop.quantileMs(1),
      utilization: performance.eventLoopUtilization(since.loop).utilization,
      cpuShare: Math.max(0, cpuMs / intervalMs),
    };
  }

  memory(): MemoryVitals {
    const { rss, heapUsed, heapTotal, external, arrayBuffers } = memoryUsage();
    return {
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      externalBytes: external,
      arrayBuffersBytes: arrayBuffers,
    };
  }

  /** The disk of the data; undefined if there is none, or where the system does not say. */
  async disk(): Promise<DiskSpace | undefined> {
    const { directory } = this.#parts;
    if (directory === undefined) return undefined;
    try {
      const { bsize, blocks, bavail } = await statfs(directory);
      return { totalBytes: bsize * blocks, availableBytes: bsize * bavail };
    } catch {
      return undefined;
    }
  }

  /** Stops sampling. */
  close(): void {
    clearInterval(this.#samples);
  }
}
