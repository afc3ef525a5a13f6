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

/** Figures about the process and its machine. */
export interface VitalsSource {
  loop(): LoopVitals;
  memory(): MemoryVitals;
  /** The disk of the data; undefined if there is none, or where the system does not say. */
  disk(): Promise<DiskSpace | undefined>;
}
