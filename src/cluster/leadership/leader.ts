import { asObject, asString, type JsonObject, parseJson } from "../../core/kernel/json.ts";
import { Script } from "../link/script.ts";

/** A node that leads, and what others learn of it. */
export interface Leader {
  readonly node: string;
  readonly about: JsonObject;
}

/** The value in Redis once a leader has given the lead up. After a loss of data there is none. */
const NOBODY = "nobody";

/** `{prefix of leases}` → this node's lease in ms, who leads, and that node's lease in ms; below 1 for leases that are gone. */
export const LOOK = new Script(`
local held = redis.call('GET', KEYS[1])
local theirs = -2
if held and held ~= '${NOBODY}' then theirs = redis.call('PTTL', ARGV[1] .. cjson.decode(held).node) end
return {redis.call('PTTL', KEYS[2]), held or '', theirs}
`);

/** `{what LOOK found, this node}` → 1 if this node leads now: if nothing has changed, and its own lease is there. */
export const TAKE = new Script(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 or redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('PUBLISH', KEYS[1], '')
return 1
`);

/** `{this node}`: gives the lead up if this node has it. */
export const LEAVE = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
redis.call('SET', KEYS[1], '${NOBODY}')
redis.call('PUBLISH', KEYS[1], '')
`);

/** What LOOK found. */
export interface Look {
  /** For TAKE. */
  readonly held: string;
  /** Who leads, dead or alive. */
  readonly leader: Leader | undefined;
  /** Redis does not know who led before. */
  readonly isLost: boolean;
  readonly ownLeaseMs: number;
  readonly leaderLeaseMs: number;
}

/** Reads LOOK's reply. */
export function readLook(reply: unknown): Look {
  const [ownLeaseMs, held, leaderLeaseMs] = reply as [number, string, number];
  const leader = held === "" || held === NOBODY ? undefined : leaderOf(held);
  return { held, leader, isLost: held === "", ownLeaseMs, leaderLeaseMs };
}

function leaderOf(text: string): Leader | undefined {
  const { node, about } = asObject(parseJson(text)) ?? {};
  const name = asString(node);
  return name === undefined ? undefined : { node: name, about: asObject(about) ?? {} };
}
