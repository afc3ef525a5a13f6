import { Names } from "../link/names.ts";
import { RedisLink } from "../link/redis-link.ts";
import type { RedisOptions } from "../link/redis-options.ts";

/**
 * Announces to all nodes, from a process that is not one, that the gateway keys changed. If that is lost, they learn of it a
 * moment later: each node also looks at its store, whose version shows a change. Rejects with `cluster_unavailable`.
 */
export async function announceKeyChange(options: RedisOptions, prefix: string): Promise<void> {
  const names = new Names(prefix);
  const link = new RedisLink({ ...options, probeKey: names.probe }, { state: () => {} });
  try {
    await link.open();
    await link.command(["PUBLISH", names.keyChanges, ""]);
  } finally {
    link.close();
  }
}
