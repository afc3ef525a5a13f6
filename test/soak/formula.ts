/** The terms of the design's formula, in MiB. */
const CONNECTION = 8 / 1_024;
const STREAM = 1 + 100 / 1_024;
const BASE = 90;

/** What the gateway may occupy: connections x 8 KiB + min(streams x (log + 100 KiB), budget) + base, in MiB. */
export function formulaMib(load: { connections: number; streams: number; budgetMib?: number }): number {
  const { connections, streams, budgetMib = Number.POSITIVE_INFINITY } = load;
  return connections * CONNECTION + Math.min(streams * STREAM, budgetMib) + BASE;
}
