import { ErrorReply } from "@redis/client";
import { GatewayError } from "../../core/kernel/errors.ts";
import { Names } from "./names.ts";
import { reasonOf } from "./reasons.ts";
import { RedisLink } from "./redis-link.ts";
import type { RedisOptions } from "./redis-options.ts";
import { Script } from "./script.ts";

/** What a user needs besides writing: scripts, streams, channels. Leaves nothing behind. */
const TRIAL = new Script(`
redis.call('XADD', KEYS[1], '*', 'a', 'b')
redis.call('PUBLISH', KEYS[2], '')
return redis.call('DEL', KEYS[1])
`);

/**
 * Connects once and tries what a node does. Resolves with a warning about Redis' settings, as far as this user may see them.
 * Rejects with `cluster_unavailable` if a node could not use this Redis.
 */
export async function tryRedis(options: RedisOptions, prefix: string): Promise<string | undefined> {
  const names = new Names(prefix);
  const link = new RedisLink({ ...options, probeKey: names.probe }, { state: () => {} });
  try {
    await link.open();
    await link.run(TRIAL, [names.of("trial", crypto.randomUUID()), names.of("trial")]);
    const policy = await policyOf(link);
    if (policy === undefined || policy === "noeviction") return undefined;
    return `Redis at ${link.place} may drop live streams and reservations: set its maxmemory-policy, ${policy}, to noeviction`;
  } catch (error) {
    if (!(error instanceof ErrorReply)) throw error;
    throw new GatewayError("cluster_unavailable", `Redis at ${link.place} cannot be used: ${reasonOf(error)}`);
  } finally {
    link.close();
  }
}

/** What Redis does when its memory is full; undefined if this user may not ask. */
async function policyOf(link: RedisLink): Promise<string | undefined> {
  const info = await link.command(["INFO", "memory"]).catch(() => undefined);
  return /^maxmemory_policy:([a-z-]+)/m.exec(String(info))?.[1];
}
