import { hostname } from "node:os";
import type { Cluster } from "../cluster/cluster.ts";
import type { ClusterStreams, ClusterStreamsParts } from "../cluster/streams/cluster-streams.ts";
import type { Config } from "../config/schema.ts";
import { dialects } from "../dialects/registry.ts";
import type { Limits } from "./limits.ts";

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
  // Loaded only where it is used.
  const { Cluster } = await import("../cluster/cluster.ts");
  const { url, moneyUrl, caFile, prefix } = redis;
  return Cluster.join({ node, url: url.reveal(), moneyUrl: moneyUrl?.reveal(), caFile, prefix, fault });
}

/** Makes the live streams of this node those of its cluster; undefined if this gateway is alone. */
export async function connectClusterStreams(
  cluster: Cluster | undefined,
  parts: Omit<ClusterStreamsParts, "cluster" | "limits" | "log" | "dialects"> & { readonly limits: Limits },
): Promise<ClusterStreams | undefined> {
  if (!cluster) return undefined;
  const { ClusterStreams } = await import("../cluster/streams/cluster-streams.ts");
  const { logBytes: maxBytes, logEntries: maxEntries } = parts.limits;
  return new ClusterStreams({ ...parts, cluster, log: { maxBytes, maxEntries }, dialects });
}
