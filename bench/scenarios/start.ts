import { setTimeout as sleep } from "node:timers/promises";
import { isGateway } from "../rows/row.ts";
import { readGauges } from "../runner/gauges.ts";
import { cpuUs, residentBytes, threadCount } from "../runner/process-figures.ts";
import { fewRuns, type Point, type Scenario, type Settings } from "./scenario.ts";

const MIB = 2 ** 20;
const IDLE_MS = 10_000;

/** How soon a gateway listens, and what it holds while it has nothing to do. */
export const start: Scenario = {
  name: "start",
  title: `Start: from the process's start until it listens; then ${IDLE_MS / 1000} s without a client`,
  columns: [
    { metric: "listeningMs", label: "listening after ms", digits: 0, better: "less" },
    { metric: "startCpuMs", label: "CPU ms until then", digits: 0, better: "less" },
    { metric: "idleRssMiB", label: "idle RSS MiB", digits: 1, better: "less" },
    { metric: "idleHeapMiB", label: "heap used MiB", digits: 1, better: "less" },
    { metric: "idleHeapTotalMiB", label: "heap total MiB", digits: 1, better: "less" },
    { metric: "threads", label: "threads", digits: 0, better: "less" },
    { metric: "idleCpuPercent", label: "idle core %", digits: 2, better: "less" },
  ],
  points: (settings) => [listening, idle(settings)],
};

const listening: Point = {
  id: "start",
  name: "from start to listening",
  suits: isGateway,
  seconds: 2,
  measure: async (stage, row) => {
    await stage.retire(row);
    const { started, pids } = await stage.row(row);
    if (!started) throw new Error("it was not started here");
    const usedUs = cpuUs(pids);
    await stage.retire(row);
    return {
      metrics: {
        listeningMs: started.listeningMs,
        ...(usedUs !== undefined && { startCpuMs: usedUs / 1000 }),
      },
    };
  },
};

const idle = (settings: Settings): Point => ({
  id: "idle",
  name: `idle for ${IDLE_MS / 1000} s`,
  suits: isGateway,
  seconds: IDLE_MS / 1000 + 2,
  runs: fewRuns(settings),
  measure: async (stage, row) => {
    await stage.retire(row);
    const { pids, metricsUrl } = await stage.row(row);
    await sleep(IDLE_MS / 2);
    const before = cpuUs(pids);
    await sleep(IDLE_MS / 2);
    const after = cpuUs(pids);
    const bytes = residentBytes(pids);
    const threads = threadCount(pids);
    // Read last, because the answer itself takes memory.
    const gauges = metricsUrl === undefined ? {} : await readGauges(metricsUrl);
    await stage.retire(row);
    return {
      metrics: {
        ...(bytes !== undefined && { idleRssMiB: bytes / MIB }),
        ...(threads !== undefined && { threads }),
        ...(gauges.nodejs_heap_size_used_bytes !== undefined && {
          idleHeapMiB: gauges.nodejs_heap_size_used_bytes / MIB,
          idleHeapTotalMiB: (gauges.nodejs_heap_size_total_bytes ?? Number.NaN) / MIB,
        }),
        ...(before !== undefined && after !== undefined && { idleCpuPercent: (after - before) / (IDLE_MS * 5) }),
      },
    };
  },
});
