import { Names } from "../link/names.ts";
import { RedisLink } from "../link/redis-link.ts";
import type { RedisOptions } from "../link/redis-options.ts";

/**
 * Tells all nodes, from a process that is none, that the gateway keys changed. What is lost on the way costs a moment only: each
 * node looks at its store by itself, whose own version says whether there is something new. Rejects with `cluster_unavailable`.
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
