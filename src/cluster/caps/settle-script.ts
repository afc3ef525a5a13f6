import { Script } from "../link/script.ts";
import { COUNTING } from "./counting.ts";
import { ANSWER } from "./reserve-script.ts";

/**
 * Counts what a stream has spent, as totals since its open. Calling it again, later or with other totals, corrects what was
 * counted before: nothing is counted twice.
 *
 * ARGV: 6 `spent` (it runs on), `closed` (it holds nothing any more), or `estimated` (its node is gone: what it was known to
 * have spent, at least this, or its prompt if that is not known), 7 tokens, 8 billionths (-1: not known), 9 how long to remember
 * a stream that is over, in milliseconds.
 */
export const SETTLE = new Script(`${COUNTING}
if not isOurs() then return {${ANSWER.lost}} end
local to, tokens, nano = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local row = redis.call('HMGET', KEYS[3], 's', 'T', 'N', 't', 'c', 'w1', 'w2', 'w3', 'p', 'pn')
local state = row[1]
if to ~= 'closed' and state ~= 'open' then return {${ANSWER.over}} end
local at = windows()
local T, N, t, c = tonumber(row[2]) or 0, tonumber(row[3]) or 0, tonumber(row[4]) or 0, tonumber(row[5]) or 0
local since = {tonumber(row[6]) or at[1], tonumber(row[7]) or at[2], tonumber(row[8]) or at[3]}
if to == 'estimated' then
  tokens = math.max(t, tokens >= 0 and tokens or tonumber(row[9]))
  nano = math.max(c, nano >= 0 and nano or tonumber(row[10]))
end
local isEnding = state == 'open' and to ~= 'spent'
local heldTokens, heldNano = 0, 0
if state == 'open' then
  heldTokens, heldNano = -math.max(0, T - t), -math.max(0, N - c)
  if not isEnding then
    heldTokens, heldNano = heldTokens + math.max(0, T - tokens), heldNano + math.max(0, N - nano)
  end
end
for key = 6, #KEYS do
  local a = read(KEYS[key], at)
  spend(a, since, tokens - t, nano - c)
  a.ht = a.ht + heldTokens
  a.hn = a.hn + heldNano
  if isEnding then a.run = a.run - 1 end
  save(KEYS[key], a)
end
redis.call('HSET', KEYS[3], 't', int(tokens), 'c', int(nano))
if to ~= 'spent' then
  redis.call('HSET', KEYS[3], 's', to, 'w1', int(since[1]), 'w2', int(since[2]), 'w3', int(since[3]))
  redis.call('PEXPIRE', KEYS[3], ARGV[9])
  redis.call('SREM', KEYS[4], ARGV[2])
end
if not isReady() then redis.call('SADD', KEYS[5], ARGV[2]) end
return {${ANSWER.done}}
`);

/**
 * States again what a running stream holds, if Redis does not know.
 *
 * ARGV: 3-5 its windows at its open, 6 tokens and 7 billionths set aside, 8 and 9 those spent, 10 and 11 those of its prompt.
 */
export const RESTATE = new Script(`${COUNTING}
if not isOurs() then return {${ANSWER.lost}} end
if redis.call('EXISTS', KEYS[3]) == 1 then return {${ANSWER.done}} end
local at = windows()
local T, N, t, c = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
for key = 6, #KEYS do
  local a = read(KEYS[key], at)
  spend(a, {a.i1, a.i2, a.i3}, t, c)
  a.ht = a.ht + math.max(0, T - t)
  a.hn = a.hn + math.max(0, N - c)
  a.run = a.run + 1
  save(KEYS[key], a)
end
redis.call('HSET', KEYS[3], 's', 'open', 'T', ARGV[6], 'N', ARGV[7], 't', ARGV[8], 'c', ARGV[9], 'p', ARGV[10],
  'pn', ARGV[11], 'o', ARGV[6], 'w1', ARGV[3], 'w2', ARGV[4], 'w3', ARGV[5], 'a', table.concat(KEYS, '\\n', 6))
redis.call('SADD', KEYS[4], ARGV[2])
if not isReady() then redis.call('SADD', KEYS[5], ARGV[2]) end
return {${ANSWER.done}}
`);
