import type { RedisLink } from "../link/redis-link.ts";
import { Script } from "../link/script.ts";
import { endToText, ownerLost } from "./stored-end.ts";
import { readStored, type StreamFacts } from "./stored-stream.ts";
import type { StreamKeys } from "./stream-keys.ts";

/** What is known of a stream whose node is gone. */
export interface LostStream {
  readonly id: string;
  readonly node: string;
  readonly facts: StreamFacts;
  /** The text of what it had used when its node last told. */
  readonly usage: string | undefined;
}

/**
 * Keys: log, meta, the dead node's set, its lease, and this node's, without which Redis has lost its data: then no node's lease
 * says anything. Arguments: the node, the id, the end, its channel, how long it is kept in ms, and by
 * how much the hash outlives the log. 1 if it was taken from the node now.
 */
const TAKE_OVER = new Script(`
if redis.call('EXISTS', KEYS[4]) == 1 or redis.call('EXISTS', KEYS[5]) == 0 then return 0 end
redis.call('SREM', KEYS[3], ARGV[2])
local known = redis.call('HMGET', KEYS[2], 'owner', 'end', 'seq')
if known[1] ~= ARGV[1] or known[2] then return 0 end
local now = redis.call('TIME')
redis.call('HSET', KEYS[2], 'owner', '', 'end', ARGV[3], 'until', now[1] * 1000 + math.floor(now[2] / 1000) + ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5] + ARGV[6])
redis.call('PUBLISH', ARGV[4], known[3])
return 1
`);

/**
 * Ends a stream whose node is gone, if it has not ended; a node that is alive keeps it. The upstream is never called again.
 * Resolves with what is known of it if this call ended it. Rejects with `cluster_unavailable`.
 */
export async function takeOver(
  link: RedisLink,
  keys: StreamKeys,
  stream: { readonly id: string; readonly node: string; readonly by: string },
  times: { readonly now: number; readonly keptMs: number; readonly outlivesMs: number },
): Promise<LostStream | undefined> {
  const { id, node, by } = stream;
  const stored = await readStored(link, keys, id, Number.MAX_SAFE_INTEGER, 1);
  if (!stored || stored.owner !== node) return undefined;
  const { facts, seq, usage } = stored;
  const end = endToText(ownerLost(seq, usage, Math.max(0, times.now - facts.at)));
  const names = [keys.log(id), keys.meta(id), keys.owned(node), keys.lease(node), keys.lease(by)];
  const args = [node, id, end, keys.wake(id), String(times.keptMs), String(times.outlivesMs)];
  const isOurs = (await link.run(TAKE_OVER, names, args)) === 1;
  return isOurs ? { id, node, facts, usage } : undefined;
}
