import { hostname } from "node:os";
import { isNativeError } from "node:util/types";
import type { Cluster } from "../cluster/cluster.ts";
import type { Config } from "../config/schema.ts";
import { GatewayError } from "../core/kernel/errors.ts";

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

/** Why the configured cluster could not be joined now; undefined if it could, or if there is none. Changes nothing that lasts. */
export async function clusterProblem({ cluster: { redis } }: Config): Promise<string | undefined> {
  if (!redis) return undefined;
  try {
    const { tryRedis } = await withDriver(() => import("../cluster/link/trial.ts"));
    const { caFile, prefix } = redis;
    for (const url of [redis.url, redis.moneyUrl]) if (url) await tryRedis({ url: url.reveal(), caFile }, prefix);
    return undefined;
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
