/** The terms of the memory formula, in MiB. */
const CONNECTION = 8 / 1_024;
const STREAM = 1 + 100 / 1_024;
/** The design's figure for a process without load. */
const BASE = 90;

/** What the gateway may occupy: connections x 8 KiB + min(streams x (log + 100 KiB), budget) + base, in MiB. */
export function formulaMib(load: {
  connections: number;
  streams: number;
  budgetMib?: number;
  /** What the process takes without load, where that was measured. */
  baseMib?: number;
}): number {
  const { connections, streams, budgetMib = Number.POSITIVE_INFINITY, baseMib = BASE } = load;
  return connections * CONNECTION + Math.min(streams * STREAM, budgetMib) + baseMib;
}
