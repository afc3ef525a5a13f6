import type { ByteString } from "../../core/kernel/byte-string.ts";
import { NOW_MS, Script } from "../link/script.ts";

/** What one append takes of a stream. */
export interface Append {
  readonly seq: number;
  /** Encoded entries. */
  readonly batch: ByteString;
  readonly from: number;
  readonly isEnd: boolean;
  readonly keepMs: number | undefined;
  readonly previous: string;
  /** What it has used so far, unless it ends here: the end includes that. */
  readonly spending: string;
  /** More could follow at once. */
  readonly isFull: boolean;
}

/** One stream in a call of `APPEND`. */
export interface AppendPart {
  readonly id: string;
  /** The seq that was written last, or -1 to start over. */
  readonly before: number;
  readonly seq: number;
  readonly batch: ByteString;
  /** The seq from which entries are kept; 0: all. */
  readonly from: number;
  /** Milliseconds to live while it runs; 0: as it was. */
  readonly liveMs: number;
  /** Empty texts: as they were. */
  readonly spending: string;
  readonly facts: string;
  readonly previous: string;
  readonly end: string;
  /** Milliseconds to live from now on after the end; 0: as it was. */
  readonly keepMs: number;
}

/** What all streams of a call have in common. */
export interface AppendCall {
  readonly node: string;
  /** How the channels' names begin. */
  readonly channel: string;
  /** For how long a hash outlives its log. */
  readonly outlivesMs: number;
}

/**
 * The arguments of `APPEND`. They are few and short, because each costs this process more than its content: all batches are one,
 * and what seldom changes is left out.
 */
export function appendArguments(
  { node, channel, outlivesMs }: AppendCall,
  parts: readonly AppendPart[],
): (string | Buffer)[] {
  let batches = "";
  const words: string[] = [];
  for (const { id, before, seq, batch, from, liveMs, spending, facts, previous, end, keepMs } of parts) {
    batches += batch;
    const hasRest = facts !== "" || previous !== "" || end !== "" || keepMs !== 0;
    words.push(`${hasRest ? 1 : 0} ${before} ${seq} ${batch.length} ${from} ${liveMs} ${id}`, spending);
    if (hasRest) words.push(facts, previous, end, String(keepMs));
  }
  return [node, channel, String(outlivesMs), Buffer.from(batches, "latin1"), ...words];
}

/** What `APPEND` answers for a stream, by its place in the call. */
export const appendAnswer = (reply: unknown, place: number): string =>
  typeof reply === "string" ? reply : String((reply as readonly string[])[place] ?? "");

/**
 * Writes what is new of several streams. Keys: the node's set, then for each stream its log and its meta. Arguments: as
 * `appendArguments` gives them.
 *
 * Answers for each stream: `ok`; `fenced`, it is another's; `lost`, nothing is there; or the seq that was written last. A
 * single `ok` stands for all.
 */
export const APPEND = new Script(`${NOW_MS}
local node, channel, outlives, batches = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local answers, isOk = {}, true
local at, offset = 5, 1
for key = 2, #KEYS, 2 do
  local log, meta = KEYS[key], KEYS[key + 1]
  local rest, before, seq, size, from, ttl, id = string.match(ARGV[at], '^(%d) (%-?%d+) (%d+) (%d+) (%d+) (%d+) (.+)$')
  local usage, facts, previous, ending, keep = ARGV[at + 1], '', '', '', '0'
  at = at + 2
  if rest == '1' then
    facts, previous, ending, keep = unpack(ARGV, at, at + 3)
    at = at + 4
  end
  local begin = offset
  offset = offset + size
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
    if size ~= '0' then redis.call('XADD', log, seq .. '-0', 'b', string.sub(batches, begin, offset - 1)) end
    if from ~= '0' then redis.call('XTRIM', log, 'MINID', from) end
    if usage ~= '' then redis.call('HSET', meta, 'seq', seq, 'usage', usage) else redis.call('HSET', meta, 'seq', seq) end
    if facts ~= '' then redis.call('HSET', meta, 'facts', facts) end
    if previous ~= '' then redis.call('HSET', meta, 'previous', previous) end
    if ttl ~= '0' then
      redis.call('PEXPIRE', log, ttl)
      redis.call('PEXPIRE', meta, ttl)
    end
    if ending ~= '' then
      redis.call('HSET', meta, 'end', ending)
      redis.call('SREM', KEYS[1], id)
    end
    if keep ~= '0' then
      redis.call('HSET', meta, 'until', nowMs() + keep)
      redis.call('PEXPIRE', log, keep)
      redis.call('PEXPIRE', meta, keep + outlives)
    end
    redis.call('PUBLISH', channel .. id, seq)
  else
    isOk = false
  end
  answers[#answers + 1] = answer
end
return isOk and 'ok' or answers
`);
