import { setTimeout as sleep } from "node:timers/promises";
import type { RunRecord } from "../figures/record.ts";
import { ENDLESS } from "../payload/plan.ts";
import { relays } from "../rows/row.ts";
import { recordOf } from "../runner/load-record.ts";
import { residentBytes } from "../runner/process-figures.ts";
import { SEEN_STREAMS } from "./paced.ts";
import { fewRuns, type Point, planOf, type Scenario, type Settings } from "./scenario.ts";

/** Events per write: about what a socket accepts at once. */
const BURST = 256;
const STREAMS = 64;
/** Events of a stream that ends, about 0.7 MB as OpenAI writes them: a long answer. */
const ANSWER_EVENTS = 2000;
/** How long memory may settle after the load has ended. */
const SETTLE_MS = 2000;
const MIB = 2 ** 20;

/** The most that a gateway moves, and what it keeps of it: streams that never end, and answers one after another. */
export const unthrottled: Scenario = {
  name: "unthrottled",
  title: "Unthrottled: the upstream writes as fast as its sockets accept",
  columns: [
    { metric: "eventsPerSecond", label: "events/s", digits: 0, better: "more" },
    { metric: "cpuUsPerEvent", label: "CPU µs/event", digits: 2, better: "less" },
    { metric: "gatewayCpuPercent", label: "core %", digits: 0 },
    { metric: "failed", label: "refused or failed", digits: 0, better: "less" },
    { metric: "peakRssMiB", label: "RSS peak MiB", digits: 0, better: "less" },
    { metric: "afterRssMiB", label: `RSS ${SETTLE_MS / 1000} s after, MiB`, digits: 0, better: "less" },
    { metric: "upstreamCpuPercent", label: "upstream %", digits: 0 },
    { metric: "clientCpuPercent", label: "client %", digits: 0 },
  ],
  points: (settings) => {
    const streams = settings.streams ?? STREAMS;
    return [endless(streams, settings), answers(streams, settings)];
  },
};

/** Streams that last until they are cancelled. */
export const endless = (streams: number, settings: Settings): Point =>
  point(`unthrottled, ${streams} streams`, streams, ENDLESS, settings);

/** Streams that end, each followed by another one: finished logs are the gateway's to keep or to release. */
const answers = (streams: number, settings: Settings): Point =>
  point(
    `unthrottled, ${streams} streams at a time of ${ANSWER_EVENTS} events each, one after another`,
    streams,
    ANSWER_EVENTS,
    settings,
  );

const point = (name: string, streams: number, count: number, settings: Settings): Point => ({
  id: name,
  name,
  suits: relays,
  runs: fewRuns(settings),
  seconds: settings.windowMs / 1000 + SETTLE_MS / 1000 + (SEEN_STREAMS * 4) / 1000 + 3,
  measure: async (stage, row): Promise<RunRecord> => {
    // Memory kept from the previous run would count as this run's.
    await stage.retire(row);
    const { pids } = await stage.row(row);
    const record = recordOf(
      await stage.run(row, {
        streams,
        sockets: streams,
        plan: planOf(settings, { writesPerSecond: 0, burst: BURST, count }),
        renew: count !== ENDLESS,
        rehearsals: SEEN_STREAMS,
        warmupMs: 500,
        windowMs: settings.windowMs,
        probesPerSecond: 0,
        probeMs: 0,
        cancelAtEnd: false,
      }),
    );
    if (pids.length > 0) await sleep(SETTLE_MS);
    const bytes = residentBytes(pids);
    return { ...record, metrics: { ...record.metrics, ...(bytes !== undefined && { afterRssMiB: bytes / MIB }) } };
  },
});
