import { NOW_MS, Script } from "../link/script.ts";
import { COUNTING } from "./counting.ts";

/**
 * KEYS: 1 epoch, 2 rebuilt, 3 began. ARGV: 1 the epoch if there is none. Returns {epoch, its age in milliseconds, whether the
 * counters are rebuilt, the time there in milliseconds}.
 */
export const EPOCH = new Script(`${NOW_MS}
local now = nowMs()
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
  redis.call('SET', KEYS[3], string.format('%.0f', now))
end
local isRebuilt = redis.call('GET', KEYS[2]) == epoch
return {epoch, now - tonumber(redis.call('GET', KEYS[3]) or now), isRebuilt and 1 or 0, now}
`);

/** A node has stated all it holds. KEYS: 1 epoch, 2 stated. ARGV: 1 epoch, 2 the node. 1, or 0 in another epoch. */
export const STATED = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SADD', KEYS[2], ARGV[2])
return 1
`);

/** What `REBUILD` answers. */
export const REBUILT = {
  now: 1,
  /** Another node has rebuilt them in this epoch. */
  before: 2,
  /** More streams were counted meanwhile. */
  outrun: 0,
  /** The epoch is another one. */
  lost: -1,
} as const;

/**
 * Adds what the ledger knows to what the nodes have stated, once an epoch.
 *
 * KEYS: 1 epoch, 2 rebuilt, 3 unused, 4 unused, 5 counted, 6… accounts. ARGV: 1 epoch, 2 how many streams the ledger left out,
 * 3-5 windows, then of each account tokens and billionths of the day and of the month. Returns one of `REBUILT`.
 */
export const REBUILD = new Script(`${COUNTING}
if not isOurs() then return ${REBUILT.lost} end
if isReady() then return ${REBUILT.before} end
if redis.call('SCARD', KEYS[5]) ~= tonumber(ARGV[2]) then return ${REBUILT.outrun} end
local at = windows()
for key = 6, #KEYS do
  local from = 5 + (key - 6) * 4
  local a = read(KEYS[key], at)
  a.t2 = a.t2 + tonumber(ARGV[from + 1])
  a.n2 = a.n2 + tonumber(ARGV[from + 2])
  a.t3 = a.t3 + tonumber(ARGV[from + 3])
  a.n3 = a.n3 + tonumber(ARGV[from + 4])
  save(KEYS[key], a)
end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[5])
return ${REBUILT.now}
`);
