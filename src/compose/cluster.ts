import { hostname } from "node:os";
import type { Cluster } from "../cluster/cluster.ts";
import type { Config } from "../config/schema.ts";

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
