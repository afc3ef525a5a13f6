import { NOW_MS, Script } from "./script.ts";

/** The keys that each script of this file begins with: the epoch, this node's lease, and the mark that it is new. */
export type OwnKeys = readonly [epoch: string, lease: string, isNew: string];

/**
 * `{…own, nodes, calm}`, `{node, the epoch if there is none, lease in ms, about, the known epoch, 1 if leases may be missing that nobody gave
 * up, how long one renewal vouches for calm in ms}` → the epoch, whether the lease was still there, how many nodes there are, and the time.
 *
 * Each renewal by a node that may judge also renews `calm`, the mark that leases lapse only when their nodes end. It expires
 * before an outage can let a living node's lease lapse, so a node that starts while it is there may judge at once.
 */
export const RENEW = new Script(`${NOW_MS}
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[2]
  redis.call('SET', KEYS[1], epoch)
end
local was = redis.call('EXISTS', KEYS[2])
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
local begins = ARGV[5] == '' and was == 0
if begins and redis.call('GET', KEYS[5]) == epoch then
  redis.call('DEL', KEYS[3])
elseif was == 0 or epoch ~= ARGV[5] or ARGV[6] == '1' then
  redis.call('SET', KEYS[3], '', 'PX', ARGV[3])
  if not begins then redis.call('DEL', KEYS[5]) end
end
if redis.call('EXISTS', KEYS[3]) == 0 then redis.call('SET', KEYS[5], epoch, 'PX', ARGV[7]) end
return {epoch, was, redis.call('SCARD', KEYS[4]), nowMs()}
`);

/**
 * Whether a node may take others for dead: it has held its own lease in the epoch that it knows, without an outage, for the
 * length of a lease. Otherwise Redis may have lost leases, or let them lapse while nobody could renew them, and a missing lease
 * proves nothing. Every script that judges begins with this; its first argument is the known epoch.
 */
export const MAY_JUDGE =
  "(redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('EXISTS', KEYS[2]) == 1 and redis.call('EXISTS', KEYS[3]) == 0)";

/** `{…own, lease}`, `{epoch}` → 1 if a node is certainly dead, else 0. */
export const IS_DEAD = new Script(`
return ${MAY_JUDGE} and redis.call('EXISTS', KEYS[4]) == 0 and 1 or 0
`);

/**
 * `{…own, nodes}`, `{epoch, how leases' names begin}` → the living nodes and those that are certainly dead; nothing while this
 * node may not judge.
 */
export const JUDGED = new Script(`
if not ${MAY_JUDGE} then return false end
local living, dead = {}, {}
for _, node in ipairs(redis.call('SMEMBERS', KEYS[4])) do
  table.insert(redis.call('EXISTS', ARGV[2] .. node) == 1 and living or dead, node)
end
return {living, dead}
`);

/** `{…own, lease, claim}`, `{epoch, node, ms}` → 1 if this node is the one to clear a dead one away, 0 if another has claimed that. */
export const CLAIM = new Script(`
if not ${MAY_JUDGE} or redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
return redis.call('SET', KEYS[5], ARGV[2], 'NX', 'PX', ARGV[3]) and 1 or 0
`);

/** `{…own, lease, claim, nodes, mailbox}`, `{epoch, node}`: removes a node that is still dead. */
export const FORGET = new Script(`
redis.call('DEL', KEYS[5])
if not ${MAY_JUDGE} or redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
redis.call('DEL', KEYS[7])
return redis.call('SREM', KEYS[6], ARGV[2])
`);

/** `{…own, nodes, mailbox}`, `{node}`: removes a node that leaves the cluster. */
export const LEAVE = new Script(`
redis.call('DEL', KEYS[2], KEYS[3], KEYS[5])
return redis.call('SREM', KEYS[4], ARGV[1])
`);
