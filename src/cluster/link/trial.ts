import { Names } from "./names.ts";
import { RedisLink } from "./redis-link.ts";
import type { RedisOptions } from "./redis-options.ts";
import { Script } from "./script.ts";

/** What a user needs besides writing: scripts, streams, channels. Leaves nothing. */
const TRIAL = new Script(`
redis.call('XADD', KEYS[1], '*', 'a', 'b')
redis.call('PUBLISH', KEYS[2], '')
return redis.call('DEL', KEYS[1])
`);

/** Connects once and tries what a node does. Rejects with `cluster_unavailable` if a node could not use this Redis. */
export async function tryRedis(options: RedisOptions, prefix: string): Promise<void> {
  const names = new Names(prefix);
  const link = new RedisLink({ ...options, probeKey: names.probe }, { state: () => {} });
  try {
    await link.open();
    await link.run(TRIAL, [names.of("trial", crypto.randomUUID()), names.of("trial")]);
  } finally {
    link.close();
  }
}
