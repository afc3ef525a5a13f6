import { Script } from "../link/script.ts";
import { COUNTING } from "./counting.ts";

/** The first number that the scripts about a stream answer. */
export const ANSWER = {
  done: 1,
  /** There is no room: the states of its accounts follow. */
  refused: 0,
  /** Redis lost its data, and what was counted is not there. */
  lost: -1,
  /** The counters are not rebuilt yet. */
  unready: -2,
  /** The stream holds nothing any more. */
  over: -3,
} as const;

/**
 * Sets aside what a stream may use, in all its accounts or in none: `decide`, as a script.
 *
 * ARGV: 6 prompt, 7 output asked, 8 least output, 9-12 the tariff (whole billionths and millionths of one, of a token in and
 * out), then the caps of each level. Returns {done, output} or {refused, the states}.
 */
export const RESERVE = new Script(`${COUNTING}
if not isOurs() then return {${ANSWER.lost}} end
if not isReady() then return {${ANSWER.unready}} end
local held = redis.call('HMGET', KEYS[3], 's', 'o')
if held[1] == 'open' then return {${ANSWER.done}, tonumber(held[2])} end
if held[1] then return {${ANSWER.over}} end

local at = windows()
local prompt, asked, least = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local inNano, inRest, outNano, outRest = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local function cost(output)
  local rest = prompt * inRest + output * outRest + 500000
  return prompt * inNano + output * outNano + math.floor(rest / 1000000)
end

local all, fits, tokensLeft, nanoLeft = {}, true, math.huge, math.huge
for level = 1, #KEYS - 5 do
  local a = read(KEYS[5 + level], at)
  all[level] = a
  local from = 5 + level * 7
  local streams, requests, minute = tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2]), tonumber(ARGV[from + 3])
  if streams >= 0 and a.run >= streams then fits = false end
  if requests >= 0 and a.q1 + 1 > requests then fits = false end
  if minute >= 0 and math.min(prompt + asked, minute) > minute - a.t1 - a.ht then fits = false end
  local tokens, nano = left(a, from)
  tokensLeft = math.min(tokensLeft, tokens)
  nanoLeft = math.min(nanoLeft, nano)
end
if prompt + least > tokensLeft or cost(least) > nanoLeft then fits = false end
if not fits then
  local flat = states(all)
  table.insert(flat, 1, ${ANSWER.refused})
  return flat
end

local fit, most = 0, math.min(asked, tokensLeft - prompt)
while fit < most do
  local middle = math.ceil((fit + most) / 2)
  if cost(middle) <= nanoLeft then fit = middle else most = middle - 1 end
end
local tokens, nano = prompt + fit, cost(fit)
for level, a in ipairs(all) do
  a.run = a.run + 1
  a.ht = a.ht + tokens
  a.hn = a.hn + nano
  a.q1 = a.q1 + 1
  save(KEYS[5 + level], a)
end
redis.call('HSET', KEYS[3], 's', 'open', 'T', int(tokens), 'N', int(nano), 't', '0', 'c', '0', 'p', int(prompt),
  'pn', int(cost(0)), 'o', int(fit), 'w1', ARGV[3], 'w2', ARGV[4], 'w3', ARGV[5], 'a', table.concat(KEYS, '\\n', 6))
redis.call('SADD', KEYS[4], ARGV[2])
return {${ANSWER.done}, fit}
`);

/**
 * Sets more aside for a stream that has grown, as much of it as there is room for.
 *
 * ARGV: 6 tokens and 7 billionths wanted, 8 unused, then the caps of each level from 13. Returns {done, tokens, billionths, the states}.
 */
export const GROW = new Script(`${COUNTING}
if not isOurs() then return {${ANSWER.lost}} end
if not isReady() then return {${ANSWER.unready}} end
local row = redis.call('HMGET', KEYS[3], 's', 'T', 'N', 't', 'c')
if row[1] ~= 'open' then return {${ANSWER.over}} end

local at = windows()
local all, tokens, nano = {}, tonumber(ARGV[6]), tonumber(ARGV[7])
for level = 1, #KEYS - 5 do
  local a = read(KEYS[5 + level], at)
  all[level] = a
  local tokensLeft, nanoLeft = left(a, 5 + level * 7)
  tokens = math.max(0, math.min(tokens, tokensLeft))
  nano = math.max(0, math.min(nano, nanoLeft))
end
local flat = states(all)
table.insert(flat, 1, nano)
table.insert(flat, 1, tokens)
table.insert(flat, 1, ${ANSWER.done})
if tokens + nano == 0 then return flat end

local T, N, t, c = tonumber(row[2]), tonumber(row[3]), tonumber(row[4]), tonumber(row[5])
for level, a in ipairs(all) do
  a.ht = a.ht + math.max(0, T + tokens - t) - math.max(0, T - t)
  a.hn = a.hn + math.max(0, N + nano - c) - math.max(0, N - c)
  save(KEYS[5 + level], a)
end
redis.call('HSET', KEYS[3], 'T', int(T + tokens), 'N', int(N + nano))
return flat
`);
