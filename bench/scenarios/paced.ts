import { ENDLESS } from "../payload/plan.ts";
import { DIRECT, relays } from "../rows/row.ts";
import { recordOf } from "../runner/load-record.ts";
import { type Point, planOf, type Settings } from "./scenario.ts";

export interface PacedShape {
  readonly streams: number;
  /** Writes per second of each stream. */
  readonly rate: number;
  readonly burst?: number;
  readonly sockets?: number;
  /** Whether to time first events too, after the window. */
  readonly probes?: boolean;
}

/** Short streams begun per second, to time their first event. */
export const PROBES_PER_SECOND = 50;
/** Streams started per second. */
const STARTS_PER_SECOND = 1000;
const MIN_WARMUP_MS = 500;
/** Streams started before anything is measured, except where the window is cold. */
export const SEEN_STREAMS = 500;

/** Streams at a fixed rate for a window; then, while they keep running, short streams whose first event is timed. */
export function paced(shape: PacedShape, settings: Settings): Point {
  const { windowMs } = settings;
  const { streams, rate, burst = 1, sockets = streams, probes = false } = shape;
  const warmupMs = streams === 0 ? 0 : Math.max(MIN_WARMUP_MS, (streams / STARTS_PER_SECOND) * 1000);
  const rehearsals = Math.max(0, SEEN_STREAMS - streams);
  const probeMs = probes ? Math.max(500, windowMs) : 0;
  const name = streams === 0 ? "nothing else" : describe(shape, sockets);
  return {
    id: `paced ${name}${probes ? " probed" : ""}`,
    name,
    suits: (row) => relays(row) && (sockets === streams || row.protocol !== "sse" || row.name === DIRECT),
    seconds: (rehearsals * 4 + warmupMs + (streams === 0 ? 0 : windowMs) + probeMs) / 1000 + 1 + streams / 2000,
    measure: async (stage, row) => {
      const record = recordOf(
        await stage.run(row, {
          streams,
          sockets: row.protocol === "sse" ? streams : sockets,
          plan: planOf(settings, { writesPerSecond: rate, burst, count: ENDLESS }),
          rehearsals,
          warmupMs,
          windowMs: streams === 0 ? 0 : windowMs,
          probesPerSecond: probes ? PROBES_PER_SECOND : 0,
          probeMs,
          cancelAtEnd: false,
        }),
      );
      return { ...record, metrics: { ...record.metrics, offeredPerSecond: streams * rate * burst } };
    },
  };
}

/** A load in words. */
export function describe({ streams, rate, burst = 1 }: PacedShape, sockets: number): string {
  const shape = sockets === streams ? `${streams} streams` : `${sockets} sockets x ${streams / sockets} streams`;
  return `${shape}, ${rate * streams * burst} events/s${burst === 1 ? "" : `, ${burst} a write`}`;
}
