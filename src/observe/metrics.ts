import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { CODES } from "../../protocol/codes.ts";
import type { ClusterObserver } from "../core/ports/cluster-observer.ts";
import type { Observer } from "../core/ports/observer.ts";
import { clusterMetrics, postgresMetrics } from "./cluster-metrics.ts";
import { type GatewayState, stateMetrics } from "./state-metrics.ts";
import { streamMetrics } from "./stream-metrics.ts";

/** The gateway's metrics. */
export interface Metrics {
  readonly observer: Observer;
  /** A client tried to resume a stream, with this result. */
  resumed(result: string): void;
  /** What happens to the node's part in its cluster; undefined if it is alone. */
  readonly cluster: ClusterObserver | undefined;
  /** A route was asked whether it works: `ok`, or why not. */
  probed(route: string, outcome: string): void;
  readonly contentType: string;
  /** All metrics in Prometheus' text format. */
  text(state: GatewayState): Promise<string>;
  /** The same as values that can be cloned and added to those of other processes. */
  values(state: GatewayState): Promise<MetricValues>;
}

/** The metrics of one process. */
export type MetricValues = readonly object[];

/** What the metrics count by. */
export interface MetricsOptions {
  /** Whether streams, tokens and refusals are counted by caller too: as many as there are credentials. */
  readonly callerLabel: boolean;
  /** Whether this gateway is a node of a cluster. */
  readonly isClustered?: boolean;
  /** Whether its data is in PostgreSQL. */
  readonly isPostgres?: boolean;
}

/** Close codes with a label of their own; a client can send any of 4,000. */
const CLOSE_CODES: ReadonlySet<number | undefined> = new Set([
  1000,
  1001,
  1002,
  1005,
  1006,
  1007,
  ...Object.values(CODES).map(({ closeCode }) => closeCode),
]);

/** Collected once, however many gateways the process runs. */
let processRegistry: Registry | undefined;
/** Metrics of the process rather than of one gateway. */
export function processMetrics(): Registry {
  if (!processRegistry) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

/** Creates the metrics that docs/metrics.md lists. Label values come from the configuration or the code table, never from clients. */
export function createMetrics(version: string, options: MetricsOptions = { callerLabel: false }): Metrics {
  const { callerLabel } = options;
  const own = new Registry();
  const registers = [own];
  const info = new Gauge({
    name: "sluice_info",
    help: "Always 1",
    labelNames: ["version"],
    registers,
    aggregator: "first",
  });
  info.set({ version }, 1);
  const streamEnded = streamMetrics(own, callerLabel);
  const measure = stateMetrics(own);
  const cluster = options.isClustered ? clusterMetrics(own) : undefined;
  const postgres = options.isPostgres ? postgresMetrics(own) : undefined;
  const closed = new Counter({
    name: "sluice_connections_closed_total",
    help: "WebSockets that closed, by their close code",
    labelNames: ["face", "close_code"],
    registers,
  });
  const refusals = new Counter({
    name: "sluice_refusals_total",
    help: "Handshakes, frames and requests that were refused",
    labelNames: callerLabel ? ["where", "code", "caller"] : ["where", "code"],
    registers,
  });
  const faults = new Counter({
    name: "sluice_faults_total",
    help: "Faults of the gateway itself",
    labelNames: ["where"],
    registers,
  });
  const left = new Counter({
    name: "sluice_attempts_left_total",
    help: "Attempts left for another target before their answers began, by route and why",
    labelNames: ["route", "code"],
    registers,
  });
  const resumes = new Counter({
    name: "sluice_resumes_total",
    help: "Attempts to resume a stream",
    labelNames: ["result"],
    registers,
  });
  const probes = new Counter({
    name: "sluice_probes_total",
    help: "Probes of routes, by outcome: ok, or a code",
    labelNames: ["route", "outcome"],
    registers,
  });
  const all = Registry.merge([own, processMetrics()]);

  const measureAll = (state: GatewayState) => {
    measure(state);
    if (state.cluster) cluster?.measure(state.cluster);
    if (state.postgres) postgres?.(state.postgres);
  };
  return {
    observer: {
      streamEnded,
      attemptLeft: ({ route, error }) => left.inc({ route, code: error.code }),
      connectionClosed: ({ face, closeCode }) =>
        closed.inc({ face, close_code: CLOSE_CODES.has(closeCode) ? closeCode : "other" }),
      refused: ({ where, code, caller = "" }) => refusals.inc({ where, code, ...(callerLabel && { caller }) }),
      fault: (_error, where) => faults.inc({ where }),
    },
    cluster: cluster?.observer,
    probed: (route, outcome) => probes.inc({ route, outcome }),
    resumed: (result) => resumes.inc({ result }),
    contentType: all.contentType,
    text(state) {
      measureAll(state);
      return all.metrics();
    },
    values(state) {
      measureAll(state);
      return all.getMetricsAsJSON();
    },
  };
}
