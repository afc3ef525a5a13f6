import { NOW_MS, Script } from "../link/script.ts";

/** What one append takes of a stream. */
export interface Append {
  readonly seq: number;
  readonly batch: Buffer | undefined;
  readonly from: number;
  readonly isEnd: boolean;
  readonly keepMs: number | undefined;
  readonly previous: string;
  /** What it has used so far, unless it ends here: the end includes that. */
  readonly spending: string;
  /** More could follow at once. */
  readonly isFull: boolean;
}

/** Arguments a stream in `APPEND`. */
export const APPEND_ARGUMENTS = 11;

/**
 * Writes what is new of several streams. Keys: the node's set, then for each stream its log and its meta. Arguments: the node, how
 * the channels' names begin, for how long a hash outlives its log in ms, then for each stream: id; the seq that was written last, or -1 to
 * start over; the new seq; the batch or nothing; the seq from which entries are kept, or 0; facts, usage, previous (nothing: as
 * they were); ms to live while it runs, or 0; the end or nothing; ms to live from now on after the end, or nothing.
 *
 * Answers for each stream: `ok`; `fenced`, it is another's; `lost`, nothing is there; or the seq that was written last.
 */
export const APPEND = new Script(`${NOW_MS}
local node, channel, outlives = ARGV[1], ARGV[2], tonumber(ARGV[3])
local answers = {}
local at = 4
for key = 2, #KEYS, 2 do
  local log, meta = KEYS[key], KEYS[key + 1]
  local id, before, seq, batch, from, facts, usage, previous, ttl, ending, keep = unpack(ARGV, at, at + ${APPEND_ARGUMENTS - 1})
  at = at + ${APPEND_ARGUMENTS}
  local known = redis.call('HMGET', meta, 'owner', 'seq')
  local answer = 'ok'
  if known[1] and known[1] ~= node then answer = 'fenced'
  elseif before == '-1' then
    redis.call('DEL', log)
    redis.call('HSET', meta, 'owner', node)
    redis.call('SADD', KEYS[1], id)
  elseif not known[1] then answer = 'lost'
  elseif known[2] ~= before then answer = known[2]
  end
  if answer == 'ok' then
    if batch ~= '' then redis.call('XADD', log, seq .. '-0', 'b', batch) end
    if from ~= '0' then redis.call('XTRIM', log, 'MINID', from) end
    redis.call('HSET', meta, 'seq', seq)
    if facts ~= '' then redis.call('HSET', meta, 'facts', facts) end
    if usage ~= '' then redis.call('HSET', meta, 'usage', usage) end
    if previous ~= '' then redis.call('HSET', meta, 'previous', previous) end
    if ttl ~= '0' then
      redis.call('PEXPIRE', log, ttl)
      redis.call('PEXPIRE', meta, ttl)
    end
    if ending ~= '' then
      redis.call('HSET', meta, 'end', ending)
      redis.call('SREM', KEYS[1], id)
    end
    if keep ~= '' then
      redis.call('HSET', meta, 'until', nowMs() + keep)
      redis.call('PEXPIRE', log, keep)
      redis.call('PEXPIRE', meta, keep + outlives)
    end
    redis.call('PUBLISH', channel .. id, seq)
  end
  answers[#answers + 1] = answer
end
return answers
`);
