import { hostname } from "node:os";
import { isNativeError } from "node:util/types";
import type { Cluster } from "../cluster/cluster.ts";
import type { ClusterStreams, ClusterStreamsParts } from "../cluster/streams/cluster-streams.ts";
import type { Config } from "../config/schema.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import type { HttpFace } from "../core/ports/http-face.ts";
import { RunningStreams, type RunningStreamsParts } from "../core/running/running-streams.ts";
import { dialects } from "../dialects/registry.ts";
import { createStreamsFace } from "../faces/usage/streams-face.ts";
import type { StoredLedger } from "../storage/ledger/stored-ledger.ts";
import type { Limits } from "./limits.ts";
import type { ClusterNode } from "./node/cluster-node.ts";

/** Names this run of this process among all nodes: people read the machine's name in it. */
export function nodeName(worker: number | undefined): string {
  const machine = hostname()
    .replace(/[^A-Za-z0-9.-]/g, "-")
    .slice(0, 40);
  return [machine, ...(worker === undefined ? [] : [worker]), crypto.randomUUID().slice(0, 8)].join("-");
}

/** Joins the configured cluster; undefined if this gateway is alone. Rejects with `cluster_unavailable`. */
export async function joinCluster(
  { cluster: { redis } }: Config,
  node: string,
  fault: (error: unknown) => void,
): Promise<Cluster | undefined> {
  if (!redis) return undefined;
  const { Cluster } = await withDriver(() => import("../cluster/cluster.ts"));
  const { url, moneyUrl, caFile, prefix } = redis;
  return Cluster.join({ node, url: url.reveal(), moneyUrl: moneyUrl?.reveal(), caFile, prefix, fault });
}

/**
 * Why the configured cluster could not be joined now, or what is probably a mistake in its Redis; undefined if there is nothing
 * to say, or no cluster. Changes nothing that lasts.
 */
export async function clusterProblem({ cluster: { redis } }: Config): Promise<string | undefined> {
  if (!redis) return undefined;
  try {
    const { tryRedis } = await withDriver(() => import("../cluster/link/trial.ts"));
    const { caFile, prefix } = redis;
    const urls = [redis.url, ...(redis.moneyUrl ? [redis.moneyUrl] : [])];
    const found = await Promise.all(urls.map((url) => tryRedis({ url: url.reveal(), caFile }, prefix)));
    return found.find((mistake) => mistake !== undefined);
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}

/** Tells all nodes of the configured cluster, if there is one, that the gateway keys changed. Rejects with `cluster_unavailable`. */
export async function announceKeys({ cluster: { redis } }: Config): Promise<void> {
  if (!redis) return;
  const { announceKeyChange } = await withDriver(() => import("../cluster/keys/key-changes.ts"));
  await announceKeyChange({ url: redis.url.reveal(), caFile: redis.caFile }, redis.prefix);
}

/** Makes the live streams of this node those of its cluster; undefined if this gateway is alone. */
export async function connectClusterStreams(
  node: ClusterNode | undefined,
  parts: Omit<ClusterStreamsParts, "cluster" | "count" | "log" | "dialects"> & { readonly limits: Limits },
): Promise<ClusterStreams | undefined> {
  if (!node) return undefined;
  const { ClusterStreams } = await import("../cluster/streams/cluster-streams.ts");
  const { logBytes: maxBytes, logEntries: maxEntries } = parts.limits;
  const { cluster, observer, gauges } = node;
  const log = { maxBytes, maxEntries };
  const streams = new ClusterStreams({ ...parts, cluster, count: observer.count, log, dialects });
  gauges.push({ appendsBehind: () => streams.behind });
  return streams;
}

/** The running streams of this process for those who look, and, in a cluster, of all other nodes. */
export async function connectStreamsFace(cluster: Cluster | undefined, parts: RunningStreamsParts): Promise<HttpFace> {
  const running = new RunningStreams(parts);
  if (!cluster) return createStreamsFace({ running, others: undefined });
  const { OtherStreams } = await import("../cluster/listing/other-streams.ts");
  return createStreamsFace({ running, others: new OtherStreams(cluster, running, parts.clock) });
}

/** Lets the ledger close the rows that nodes leave open which are gone, after all else: a store that is away keeps nothing waiting. */
export function settleGone(ledger: StoredLedger, cluster: Cluster | undefined): void {
  cluster?.on({ gone: async (dead) => void (await ledger.settle(dead)) });
}

/** Loads what needs Redis' client: only where it is used. Rejects with `cluster_unavailable` when that is not installed. */
async function withDriver<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const isMissing = isNativeError(cause) && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing || !cause.message.includes("'@redis/client'")) throw cause;
    const missing = "cluster.redis is set, and its driver, the optional package @redis/client, is not installed";
    throw new GatewayError(
      "cluster_unavailable",
      `${missing}: install without --omit=optional, or npm install @redis/client`,
      { cause },
    );
  }
}
