import { ErrorReply } from "@redis/client";
import { GatewayError } from "../../core/kernel/errors.ts";
import { Names } from "./names.ts";
import { reasonOf } from "./reasons.ts";
import { RedisLink } from "./redis-link.ts";
import type { RedisOptions } from "./redis-options.ts";
import { Script } from "./script.ts";

/** What a user needs besides writing: scripts, channels, streams. Leaves nothing behind, also where it fails half-way. */
const TRIAL = new Script(`
redis.call('PUBLISH', KEYS[2], '')
redis.call('SET', KEYS[1], '', 'PX', 1000)
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[1], '*', 'a', 'b')
return redis.call('DEL', KEYS[1])
`);

/**
 * Connects once and tries what a node does. Resolves with a warning about Redis' settings, as far as this user may see them.
 * Rejects with `cluster_unavailable` if a node could not use this Redis.
 */
export async function tryRedis(options: RedisOptions, prefix: string): Promise<string | undefined> {
  const names = new Names(prefix);
  const link = new RedisLink({ ...options, probeKey: names.probe }, { state: () => {} });
  let hasOpened = false;
  try {
    await link.open();
    hasOpened = true;
    await link.run(TRIAL, [names.of("trial", crypto.randomUUID()), names.of("trial")]);
    const policy = await policyOf(link);
    if (policy === undefined || policy === "noeviction") return undefined;
    return `Redis at ${link.place} may drop live streams and reservations: set its maxmemory-policy, ${policy}, to noeviction`;
  } catch (error) {
    // One that did not open has said so.
    const reason = error instanceof ErrorReply ? reasonOf(error) : hasOpened && link.reason;
    if (!reason) throw error;
    throw new GatewayError("cluster_unavailable", `Redis at ${link.place} cannot be used: ${reason}`);
  } finally {
    link.close();
  }
}

/** What Redis does when its memory is full; undefined if this user may not ask. */
async function policyOf(link: RedisLink): Promise<string | undefined> {
  const info = await link.command(["INFO", "memory"]).catch(() => undefined);
  return /^maxmemory_policy:([a-z-]+)/m.exec(String(info))?.[1];
}
