import { statfs } from "node:fs/promises";
import { type EventLoopUtilization, performance } from "node:perf_hooks";
import { cpuUsage, memoryUsage } from "node:process";
import type { DiskSpace, LoopVitals, MemoryVitals, VitalsSource } from "../core/ports/vitals.ts";

/** What the vitals are read from. */
export interface VitalsParts {
  readonly loop: { quantileMs(share: number): number };
  /** How late the event loop may run before streams are refused, in milliseconds. */
  readonly loopDelayMs: number;
  /** On the disk to be shown; undefined for a gateway that stores nothing. */
  readonly directory: string | undefined;
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
export class Vitals implements VitalsSource {
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
