import { Counter, Gauge, type Registry } from "prom-client";
import type { ClusterState, EngineState } from "./cluster-metrics.ts";

/** The gateway's state at a scrape. */
export interface GatewayState {
  /** Open WebSockets and HTTP exchanges in progress, by face. */
  readonly connections: ReadonlyMap<string, number>;
  /** `active`: running and read. `parked`: running unread. `kept`: ended and still readable. */
  readonly streams: { readonly active: number; readonly parked: number; readonly kept: number };
  /** Memory of all stream logs, and its limit. */
  readonly logs: { readonly usedBytes: number; readonly maxBytes: number };
  /** Memory of unfinished frames and bodies, its limit, and how often it did not suffice. */
  readonly inbound: readonly { readonly usedBytes: number; readonly maxBytes: number; readonly refused: number }[];
  /** Whether the ledger can be written, and how many rows wait. */
  readonly ledger: { readonly available: boolean; readonly waitingRows: number };
  /** Log lines lost so far. */
  readonly droppedLines: number;
  /** The delay this share of the event loop's turns stayed within, in milliseconds. */
  readonly loopDelayMs: (share: number) => number;
  /** Undefined if this gateway is alone. */
  readonly cluster?: ClusterState | undefined;
  /** Undefined if its data is elsewhere. */
  readonly postgres?: EngineState | undefined;
}

const LOOP_QUANTILES = [0.5, 0.99, 1];

/** Gauges set from the state: call the function before each scrape. */
export function stateMetrics(register: Registry): (state: GatewayState) => void {
  const registers = [register];
  const connections = new Gauge({
    name: "sluice_connections",
    help: "Open WebSockets and HTTP exchanges in progress",
    labelNames: ["face"],
    registers,
  });
  const streams = new Gauge({
    name: "sluice_streams",
    help: "Streams: active ones are read, parked ones run unread, kept ones have ended and can still be read",
    labelNames: ["state"],
    registers,
  });
  const used = new Gauge({ name: "sluice_log_bytes", help: "Memory of all stream logs", registers });
  const limit = new Gauge({
    name: "sluice_log_limit_bytes",
    help: "Limit on the memory of all stream logs",
    registers,
  });
  const inbound = new Gauge({
    name: "sluice_inbound_bytes",
    help: "Memory of unfinished frames and request bodies",
    registers,
  });
  const inboundLimit = new Gauge({
    name: "sluice_inbound_limit_bytes",
    help: "Limit on the memory of unfinished frames and request bodies",
    registers,
  });
  const inboundRefused = new Counter({
    name: "sluice_inbound_refused_total",
    help: "Frames and request bodies refused because that memory was used up",
    registers,
  });
  const available = new Gauge({
    name: "sluice_ledger_available",
    help: "1 while usage is being recorded, 0 while the ledger cannot be written",
    registers,
    // Of several workers: 0 while one of them cannot.
    aggregator: "min",
  });
  const waiting = new Gauge({
    name: "sluice_ledger_spool_rows",
    help: "Ledger rows waiting in memory to be committed",
    registers,
  });
  const dropped = new Counter({
    name: "sluice_log_lines_dropped_total",
    help: "Log lines lost because the log's reader was gone or too slow",
    registers,
  });
  const delay = new Gauge({
    name: "sluice_event_loop_delay_seconds",
    help: "How late the event loop was in its last 5 to 10 seconds; quantile 1 is the worst",
    labelNames: ["quantile"],
    registers,
  });
  let droppedBefore = 0;
  let refusedBefore = 0;

  return (state) => {
    for (const [face, count] of state.connections) connections.set({ face }, count);
    for (const [name, count] of Object.entries(state.streams)) streams.set({ state: name }, count);
    used.set(state.logs.usedBytes);
    limit.set(state.logs.maxBytes);
    const sum = (of: (budget: GatewayState["inbound"][number]) => number) =>
      state.inbound.reduce((total, budget) => total + of(budget), 0);
    inbound.set(sum(({ usedBytes }) => usedBytes));
    inboundLimit.set(sum(({ maxBytes }) => maxBytes));
    const refused = sum((budget) => budget.refused);
    inboundRefused.inc(refused - refusedBefore);
    refusedBefore = refused;
    available.set(state.ledger.available ? 1 : 0);
    waiting.set(state.ledger.waitingRows);
    dropped.inc(state.droppedLines - droppedBefore);
    droppedBefore = state.droppedLines;
    for (const quantile of LOOP_QUANTILES) delay.set({ quantile }, state.loopDelayMs(quantile) / 1_000);
  };
}
