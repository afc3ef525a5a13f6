import { Script } from "../link/script.ts";

/** `{name}`, `{stream, when it got the name, what is to be known, ms}`: names a stream, unless a newer one has the name. */
export const NAME = new Script(`
local at = redis.call('HGET', KEYS[1], 'at')
if at and tonumber(at) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'stream', ARGV[1], 'at', ARGV[2], 'about', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
`);

/** `{name}`, `{stream, ms}`: takes the name from that stream; for so long no older one gets it. */
export const UNNAME = new Script(`
if redis.call('HGET', KEYS[1], 'stream') ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'stream', '', 'about', '{}')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
`);

/** `{names}`, `{ms, each name's stream}`: keeps those that still have it, and answers the places, from 1, of names that are missing. */
export const TOUCH_NAMES = new Script(`
local missing = {}
for place, name in ipairs(KEYS) do
  local stream = redis.call('HGET', name, 'stream')
  if not stream then missing[#missing + 1] = place
  elseif stream == ARGV[place + 1] then redis.call('PEXPIRE', name, ARGV[1])
  end
end
return missing
`);
