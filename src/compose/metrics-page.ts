import type { InboundBudget } from "../core/caller/inbound-budget.ts";
import type { Relay } from "../core/relay/relay.ts";
import type { StreamRegistry } from "../core/stream/registry.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { createMetricsPage } from "../observe/metrics-page.ts";
import type { GatewayState } from "../observe/state-metrics.ts";

/** The parts whose state `/metrics` shows. */
export interface MetricsPageParts {
  readonly metrics: Metrics;
  readonly relay: Relay;
  readonly registry: StreamRegistry;
  readonly ledger: GatewayState["ledger"];
  readonly log: Log;
  readonly loop: { quantileMs(share: number): number };
  readonly logs: GatewayState["logs"];
  readonly inbound: { readonly callers: InboundBudget; readonly strangers: InboundBudget };
  /** Reads the state of the node's part in its cluster; undefined if this gateway is alone. */
  readonly cluster: (() => GatewayState["cluster"]) | undefined;
  /** Reads the state of PostgreSQL; undefined if the data is elsewhere. */
  readonly postgres: (() => GatewayState["postgres"]) | undefined;
  /** Counts the open connections by face. */
  readonly connections: () => GatewayState["connections"];
  /** The metrics of all workers, if this is one of several. */
  readonly ofAll: (() => Promise<string>) | undefined;
}

/** The page `/metrics`, which reads the parts' state at each scrape, and the same as values. */
export function connectMetricsPage(parts: MetricsPageParts) {
  const { metrics, relay, registry, ledger, log, loop, logs, inbound, connections, cluster, postgres, ofAll } = parts;
  const state = (): GatewayState => {
    const { parked, kept } = registry.counts;
    return {
      connections: connections(),
      streams: { active: relay.activeStreams - parked, parked, kept },
      logs,
      inbound: [inbound.callers, inbound.strangers],
      ledger,
      droppedLines: log.dropped,
      cluster: cluster?.(),
      postgres: postgres?.(),
      loopDelayMs: (share) => loop.quantileMs(share),
    };
  };
  return {
    page: createMetricsPage({ contentType: metrics.contentType, text: ofAll ?? (() => metrics.text(state())) }),
    values: () => metrics.values(state()),
  };
}
