/** The terms of the memory formula, in MiB. */
const CONNECTION = 8 / 1_024;
const STREAM = 1 + 100 / 1_024;
/** An idle process, without a measurement. */
const BASE = 90;

/** The memory the gateway may use: connections x 8 KiB + min(streams x (log + 100 KiB), budget) + base, in MiB. */
export function formulaMib(load: {
  connections: number;
  streams: number;
  budgetMib?: number;
  /** The measured memory of the idle process, if there is one. */
  baseMib?: number;
}): number {
  const { connections, streams, budgetMib = Number.POSITIVE_INFINITY, baseMib = BASE } = load;
  return connections * CONNECTION + Math.min(streams * STREAM, budgetMib) + baseMib;
}
