import type { Cluster } from "../../cluster/cluster.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { JsonObject } from "../../core/kernel/json.ts";
import type { ClusterGauges, ClusterNews, ClusterObserver, RedisRole } from "../../core/ports/cluster-observer.ts";
import type { ClusterState } from "../../observe/cluster-metrics.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import { ClockDifference } from "./clock-difference.ts";

/** A node that has not heard from Redis for so long opens nothing, and asks for no work. */
const DEAF_MS = 10_000;
const LOOK_MS = 1_000;

/** Where the node's part in its cluster is reported. */
export interface ClusterNodeParts {
  readonly log: Pick<Log, "cluster">;
  readonly metrics: Pick<Metrics, "cluster"> | undefined;
}

/** This gateway as a node of a cluster: whether it may work, and what operators learn of that. */
export class ClusterNode implements Disposable {
  readonly cluster: Cluster;
  /** Where streams, caps and others report. */
  readonly observer: ClusterObserver;
  /** What is read at each scrape; parts of the node add theirs. */
  readonly gauges: ClusterGauges[] = [];
  readonly #looks: NodeJS.Timeout;
  readonly #awaySince = new Map<RedisRole, number>();
  readonly #clock: ClockDifference;
  #wasReady = true;

  constructor(cluster: Cluster, { log, metrics }: ClusterNodeParts) {
    this.cluster = cluster;
    this.observer = {
      changed(news) {
        log.cluster(news);
        metrics?.cluster?.changed(news);
      },
      count: (what, by) => metrics?.cluster?.count(what, by),
    };
    const { changed } = this.observer;
    this.#clock = new ClockDifference(changed);
    const isOne = cluster.money === cluster.link;
    cluster.on({
      state: (isUp, reason) => this.#state(isOne ? "both" : "streams", isUp, reason),
      ...(!isOne && { moneyState: (isUp, reason) => this.#state("money", isUp, reason) }),
      dataLost: () => changed({ kind: "data_lost" }),
      lapsed: () => changed({ kind: "lease_lost" }),
      cleared: (gone) => changed({ kind: "node_gone", gone }),
    });
    this.#looks = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Calls back whenever a process announces that it changed the gateway keys. */
  readonly onKeyChange = (changed: () => void): void => {
    this.cluster.wakes.on(this.cluster.names.keyChanges, changed);
  };

  /** Throws `cluster_unavailable` when this node has not heard from Redis for too long to begin anything. */
  checkOpens(): void {
    const { reason } = this;
    if (reason !== undefined) throw new GatewayError("cluster_unavailable", reason);
  }

  /** Why this node may not begin anything; undefined if it may. */
  get reason(): string | undefined {
    const { lease, link } = this.cluster;
    if (lease.ageMs < DEAF_MS) return undefined;
    return `nothing was heard from Redis for ${Math.floor(lease.ageMs / 1_000)} s: ${link.reason ?? "it is back"}`;
  }

  /** For `/readyz`. */
  get details(): JsonObject {
    const { node, lease, money, link } = this.cluster;
    const of = ({ isUp, latencyMs, reason }: typeof link): JsonObject => ({
      state: isUp ? "up" : "away",
      ...(reason !== undefined && { reason }),
      ...(isUp && latencyMs !== undefined && { latencyMs: Math.round(latencyMs * 100) / 100 }),
    });
    return {
      node,
      leaseAgeMs: Math.round(lease.ageMs),
      nodes: lease.nodeCount,
      clockAheadMs: Math.round(lease.clockAheadMs),
      redis: of(link),
      ...(money !== link && { moneyRedis: of(money) }),
    };
  }

  /** For `/metrics`. */
  get state(): ClusterState {
    const { lease, link, money } = this.cluster;
    const redis: ClusterState["redis"] =
      link === money
        ? new Map([["both", link]])
        : new Map([
            ["streams", link],
            ["money", money],
          ]);
    const { nodeCount: nodes, ageMs: leaseAgeMs, clockAheadMs } = lease;
    return { nodes, leaseAgeMs, clockAheadMs, redis, gauges: this.gauges };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#looks);
  }

  #state(redis: RedisRole, isUp: boolean, reason: string | undefined): void {
    const now = performance.now();
    const news: ClusterNews = isUp
      ? { kind: "redis_back", redis, awayMs: now - (this.#awaySince.get(redis) ?? now) }
      : { kind: "redis_away", redis, reason };
    this.#awaySince.set(redis, now);
    this.observer.changed(news);
  }

  #look(): void {
    this.#clock.look(this.cluster.lease.clockAheadMs);
    const isReady = this.reason === undefined;
    if (isReady === this.#wasReady) return;
    this.#wasReady = isReady;
    // What keeps Redis away may be another reason by now than what took it away.
    this.observer.changed(isReady ? { kind: "ready" } : { kind: "not_ready", reason: this.cluster.link.reason });
  }
}
