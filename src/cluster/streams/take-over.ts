import { MAY_JUDGE } from "../link/lease-scripts.ts";
import type { NodeLease } from "../link/node-lease.ts";
import type { RedisLink } from "../link/redis-link.ts";
import { NOW_MS, Script } from "../link/script.ts";
import { endToText, ownerLost } from "./stored-end.ts";
import { readStored } from "./stored-stream.ts";
import type { StreamKeys } from "./stream-keys.ts";

/** What became of an attempt: `ended`, by this call; `none`, there was nothing to end; `kept`, its node lives, or may live. */
export type TakeOver = "ended" | "none" | "kept";

/**
 * `{…own, log, meta, the dead node's set, its lease}`, `{epoch, node, id, end, channel, ms to keep it, ms by which the hash
 * outlives the log}` → 1 if it was taken from the node now, 0 if there was nothing to take, -1 if the node keeps it.
 */
const TAKE_OVER = new Script(`${NOW_MS}
if not ${MAY_JUDGE} or redis.call('EXISTS', KEYS[7]) == 1 then return -1 end
redis.call('SREM', KEYS[6], ARGV[3])
local known = redis.call('HMGET', KEYS[5], 'owner', 'end', 'seq')
if known[1] ~= ARGV[2] or known[2] then return 0 end
redis.call('HSET', KEYS[5], 'owner', '', 'end', ARGV[4], 'until', nowMs() + ARGV[6])
redis.call('PEXPIRE', KEYS[4], ARGV[6])
redis.call('PEXPIRE', KEYS[5], ARGV[6] + ARGV[7])
redis.call('PUBLISH', ARGV[5], known[3])
return 1
`);

/**
 * Ends a stream whose node is gone, if it has not ended; a node that is alive, or may be, keeps it. The upstream is never called
 * again. Rejects with `cluster_unavailable`.
 */
export async function takeOver(
  { link, lease }: { readonly link: RedisLink; readonly lease: Pick<NodeLease, "judge"> },
  keys: StreamKeys,
  { id, node }: { readonly id: string; readonly node: string },
  times: { readonly now: number; readonly keptMs: number; readonly outlivesMs: number },
): Promise<TakeOver> {
  const stored = await readStored(link, keys, id, Number.MAX_SAFE_INTEGER, 1);
  const { facts, seq, usage } = stored ?? { facts: undefined, seq: 0, usage: undefined };
  const end = endToText(ownerLost(seq, usage, Math.max(0, times.now - (facts?.at ?? times.now))));
  const names = [keys.log(id), keys.meta(id), keys.owned(node), keys.lease(node)];
  const args = [node, id, end, keys.wake(id), String(times.keptMs), String(times.outlivesMs)];
  const answer = await lease.judge(TAKE_OVER, names, args);
  if (answer === -1) return "kept";
  return answer === 1 ? "ended" : "none";
}
