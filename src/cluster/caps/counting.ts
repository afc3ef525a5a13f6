/**
 * What the scripts about money share. Whole numbers below 2^53 throughout, as in `Tariff`.
 *
 * An account is a hash: `run` streams, `ht` and `hn` tokens and billionths held for them, and for each window (minute, day,
 * month) its number `i1` to `i3`, the tokens `t1` to `t3` and billionths `n1` to `n3` spent in it, and the requests `q1` of the
 * minute. A window that is over is emptied when its account is next read. Windows go by the clock of the node that asks, as
 * `Period` does: one that is a little behind counts in the newest window there is.
 *
 * A row is a hash about one stream: its state `s` (open, closed, estimated), the tokens `T` and billionths `N` set aside, those
 * spent `t` and `c`, the least it counts if its node dies `p` and `pn`, its windows at the open `w1` to `w3`, its output `o`
 * and its accounts `a`.
 *
 * The caps of a level are seven arguments, -1 for none: streams, requests a minute, tokens a minute, a day and a month, and
 * billionths a day and a month.
 *
 * KEYS: 1 epoch, 2 rebuilt, 3 the row, 4 the node's holds, 5 counted, 6… accounts. ARGV: 1 epoch, 2 stream, 3-5 windows.
 */
export const COUNTING = `
local FIELDS = {'run', 'ht', 'hn', 'i1', 'i2', 'i3', 't1', 't2', 't3', 'n1', 'n2', 'n3', 'q1'}
local KEPT_MS = '5443200000'

local function int(x) return string.format('%.0f', x) end

local function windows() return {tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])} end

local function isReady() return redis.call('GET', KEYS[2]) == ARGV[1] end

local function isOurs() return redis.call('GET', KEYS[1]) == ARGV[1] end

local function read(account, at)
  local found = redis.call('HMGET', account, unpack(FIELDS))
  local a = {}
  -- What is not a number must not be read as 0.
  for i, field in ipairs(FIELDS) do a[field] = assert(tonumber(found[i] or 0)) end
  for w = 1, 3 do
    local was = tonumber(found[3 + w])
    if not was or at[w] > was then
      a['i' .. w] = at[w]
      a['t' .. w] = 0
      a['n' .. w] = 0
      if w == 1 then a.q1 = 0 end
    elseif at[w] < was - 1 then
      a['i' .. w] = at[w]
    end
  end
  return a
end

local function save(account, a)
  local set = {}
  for _, field in ipairs(FIELDS) do
    set[#set + 1] = field
    set[#set + 1] = int(a[field])
  end
  redis.call('HSET', account, unpack(set))
  redis.call('PEXPIRE', account, KEPT_MS)
end

-- A correction downwards is no credit in a window that began after the stream.
local function spend(a, since, tokens, nano)
  for w = 1, 3 do
    local isSame = a['i' .. w] <= since[w]
    if tokens >= 0 or isSame then a['t' .. w] = a['t' .. w] + tokens end
    if nano >= 0 or isSame then a['n' .. w] = a['n' .. w] + nano end
  end
end

-- What is left under the caps of a level, whose seven arguments follow the one at 'from'.
local function left(a, from)
  local tokens, nano = math.huge, math.huge
  for w = 1, 3 do
    local cap = tonumber(ARGV[from + 2 + w])
    if cap >= 0 then tokens = math.min(tokens, cap - a['t' .. w] - a.ht) end
  end
  for w = 2, 3 do
    local cap = tonumber(ARGV[from + 4 + w])
    if cap >= 0 then nano = math.min(nano, cap - a['n' .. w] - a.hn) end
  end
  return tokens, nano
end

local function states(all)
  local flat = {}
  for _, a in ipairs(all) do
    for _, field in ipairs(FIELDS) do flat[#flat + 1] = a[field] end
  end
  return flat
end
`;
