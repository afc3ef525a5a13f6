import { type Aggregator, Counter, Gauge, type Registry } from "prom-client";
import type { ClusterGauges, ClusterObserver, RedisRole } from "../core/ports/cluster-observer.ts";

/** A server that a node depends on, as it was seen last. */
export interface EngineState {
  readonly isUp: boolean;
  /** How long it took for its latest answer, in milliseconds. */
  readonly latencyMs: number | undefined;
}

/** A node's part in its cluster at a scrape. */
export interface ClusterState {
  /** The nodes that are alive or were not cleared away yet, this one included. */
  readonly nodes: number;
  /** Since the lease was last renewed, in milliseconds. */
  readonly leaseAgeMs: number;
  /** How far this node's clock is ahead of Redis', in milliseconds. */
  readonly clockAheadMs: number;
  readonly redis: ReadonlyMap<RedisRole, EngineState>;
  readonly gauges: readonly ClusterGauges[];
}

/** Registers a cluster's metrics. `measure` is to be called before each scrape. */
export function clusterMetrics(register: Registry): {
  readonly observer: ClusterObserver;
  readonly measure: (state: ClusterState) => void;
} {
  const registers = [register];
  // Of several workers: the sum, the most or the least, whichever tells of trouble.
  const gauge = (name: string, help: string, aggregator: Aggregator = "sum") =>
    new Gauge({ name: `sluice_cluster_${name}`, help, registers, aggregator });
  const nodes = gauge("nodes", "Nodes that are alive or were not cleared away yet, as this node last heard", "max");
  const leaseAge = gauge(
    "lease_age_seconds",
    "Time since this node's lease was last renewed; others take it for dead at 6",
    "max",
  );
  const clockAhead = gauge(
    "clock_ahead_seconds",
    "How far this node's clock is ahead of that of Redis; negative if it is behind",
    "average",
  );
  const streamsBehind = gauge("behind_streams", "Running streams whose newest events wait to be written to Redis");
  const bytesBehind = gauge("behind_bytes", "Events that wait to be written to Redis");
  const holds = gauge("holds", "Reservations under caps that this node's running streams have in Redis");
  const leads = gauge("leads", "1 while this node serves conversations for all nodes, else 0");
  const forwarded = gauge("forwarded", "Clients that this node passes on to the node that serves conversations");
  const up = new Gauge({
    name: "sluice_cluster_redis_up",
    help: "1 while Redis takes writes, else 0",
    aggregator: "min",
    labelNames: ["redis"],
    registers,
  });
  const latency = new Gauge({
    name: "sluice_cluster_redis_latency_seconds",
    help: "How long Redis took for its latest probe, a write",
    aggregator: "max",
    labelNames: ["redis"],
    registers,
  });
  const events = new Counter({
    name: "sluice_cluster_events_total",
    help: "What happened to this node's part in its cluster, by kind",
    labelNames: ["kind"],
    registers,
  });
  return {
    observer: {
      changed: ({ kind }) => events.inc({ kind }),
      count: (kind, by = 1) => events.inc({ kind }, by),
    },
    measure(state) {
      nodes.set(state.nodes);
      leaseAge.set(state.leaseAgeMs / 1_000);
      clockAhead.set(state.clockAheadMs / 1_000);
      for (const [redis, { isUp, latencyMs }] of state.redis) {
        up.set({ redis }, isUp ? 1 : 0);
        if (latencyMs !== undefined) latency.set({ redis }, latencyMs / 1_000);
      }
      const behind = state.gauges.map(({ appendsBehind }) => appendsBehind?.() ?? { streams: 0, bytes: 0 });
      streamsBehind.set(behind.reduce((sum, { streams }) => sum + streams, 0));
      bytesBehind.set(behind.reduce((sum, { bytes }) => sum + bytes, 0));
      leads.set(state.gauges.some((gauges) => gauges.leads?.()) ? 1 : 0);
      forwarded.set(state.gauges.reduce((sum, gauges) => sum + (gauges.forwarded?.() ?? 0), 0));
      holds.set(state.gauges.reduce((sum, gauges) => sum + (gauges.holds?.() ?? 0), 0));
    },
  };
}

/** Registers the metrics of PostgreSQL. Call the function before each scrape. */
export function postgresMetrics(register: Registry): (state: EngineState) => void {
  const registers = [register];
  const up = new Gauge({
    name: "sluice_postgres_up",
    help: "1 while PostgreSQL answers, else 0",
    aggregator: "min",
    registers,
  });
  const latency = new Gauge({
    name: "sluice_postgres_latency_seconds",
    help: "How long PostgreSQL took for its latest look at the keys",
    aggregator: "max",
    registers,
  });
  return ({ isUp, latencyMs }) => {
    up.set(isUp ? 1 : 0);
    if (latencyMs !== undefined) latency.set(latencyMs / 1_000);
  };
}
