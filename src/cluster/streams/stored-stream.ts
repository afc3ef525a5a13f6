import { asNumber, asObject, asString, parseJson } from "../../core/kernel/json.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { Spending } from "../../core/stream/terminal.ts";
import type { Names } from "../link/names.ts";
import { readEach } from "../link/read-each.ts";
import type { RedisLink } from "../link/redis-link.ts";
import { NOW_MS, Script } from "../link/script.ts";
import { decodeEntries } from "./entry-codec.ts";
import { type Ending, endingOfText, spendingOfText } from "./stored-end.ts";
import { StreamKeys } from "./stream-keys.ts";

/** What never changes about a stream, but for its dialect, which is known once it has events. */
export interface StreamFacts {
  readonly caller: string;
  readonly route: string;
  readonly model: string | undefined;
  readonly dialect: string | undefined;
  readonly tellsDialect: boolean;
  /** Wall clock at the open, in milliseconds. */
  readonly at: number;
}

/** A stream as Redis has it. */
export interface StoredStream {
  /** The node that runs it; empty once it was taken from a node that is gone. */
  readonly owner: string;
  readonly seq: number;
  readonly facts: StreamFacts;
  readonly previous: string;
  readonly usage: string | undefined;
  /** The text of its terminal. */
  readonly end: string | undefined;
  /** Its retention is over. */
  readonly isExpired: boolean;
  /** Checked only while it has no end. */
  readonly isOwnerAlive: boolean;
  /** The entries after the requested sequence, up to the requested number of batches; the first may precede it, or come later. */
  readonly entries: readonly Entry[];
  /** There may be more than was requested. */
  readonly hasMore: boolean;
}

/** `{log, meta}`, `{after, most batches, how leases' names begin}` → the fields and batches; nothing if there is none. */
const READ = new Script(`${NOW_MS}
local meta = redis.call('HMGET', KEYS[2], 'owner', 'seq', 'facts', 'previous', 'usage', 'end', 'until')
if not meta[1] then return false end
local alive, expired = 1, 0
if not meta[6] then alive = redis.call('EXISTS', ARGV[3] .. meta[1]) end
if meta[7] and nowMs() > tonumber(meta[7]) then expired = 1 end
local batches = {}
if tonumber(meta[2]) > tonumber(ARGV[1]) then
  batches = redis.call('XRANGE', KEYS[1], (ARGV[1] + 1) .. '-0', '+', 'COUNT', ARGV[2])
end
return {meta, alive, expired, batches}
`);

type Bytes = Buffer | null;
type Answer = readonly [
  meta: readonly Bytes[],
  isAlive: number,
  isExpired: number,
  batches: readonly (readonly [id: Buffer, fields: readonly [Buffer, Buffer]])[],
];

/** Reads a stream, with up to `batches` batches of what follows `after`; undefined if Redis has none. Rejects with `cluster_unavailable`. */
export async function readStored(
  link: RedisLink,
  keys: StreamKeys,
  id: string,
  after: number,
  batches: number,
): Promise<StoredStream | undefined> {
  const names = [keys.log(id), keys.meta(id)];
  const answer = await link.runForBytes(READ, names, [String(after), String(batches), keys.lease("")]);
  if (answer === null) return undefined;
  const [meta, isAlive, isExpired, found] = answer as unknown as Answer;
  const [owner, seq, facts, previous, usage, end] = meta.map((field) => field?.toString());
  return {
    owner: owner ?? "",
    seq: Number(seq),
    facts: factsOf(facts),
    previous: previous ?? "",
    usage,
    end,
    isExpired: isExpired === 1,
    isOwnerAlive: isAlive === 1,
    hasMore: found.length >= batches,
    entries: found.flatMap(([entryId, [, bytes]]) => decodeEntries(bytes, Number.parseInt(entryId.toString(), 10))),
  };
}

/** The facts of a stream as text. Clock readings in milliseconds. */
export function factsText(
  { caller, stream }: RegisteredStream,
  { now, wall }: { readonly now: () => number; readonly wall: () => number },
): string {
  const { route, model, tellsDialect = false, startedAt } = stream.info;
  const at = Math.round(wall() - (now() - startedAt));
  return JSON.stringify({ caller, route, model, dialect: stream.dialect?.name, tellsDialect, at });
}

/** The facts that were written as `text`. */
function factsOf(text: string | undefined): StreamFacts {
  const { caller, route, model, dialect, tellsDialect, at } = asObject(parseJson(text ?? "")) ?? {};
  return {
    caller: asString(caller) ?? "",
    route: asString(route) ?? "",
    model: asString(model),
    dialect: asString(dialect),
    tellsDialect: tellsDialect === true,
    at: asNumber(at) ?? 0,
  };
}

/** What a node had written of a stream before it died. */
export interface LastRecord {
  readonly facts: StreamFacts;
  /** Events that it had written. */
  readonly events: number;
  /** How it ended; undefined if it still ran, whatever others have told its clients since. */
  readonly ending: Ending | undefined;
  /** What it had used; undefined if that was not written. */
  readonly spending: Spending | undefined;
}

/** What Redis has of these streams, by id; those that it does not know are left out. Rejects with `cluster_unavailable`. */
export function lastRecords(
  link: Pick<RedisLink, "command">,
  names: Names,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LastRecord>> {
  const keys = new StreamKeys(names);
  return readEach(ids, async (id) => {
    const fields = ["owner", "seq", "facts", "usage", "end"];
    const found = (await link.command(["HMGET", keys.meta(id), ...fields])) as (string | null)[];
    const [owner, seq, facts, spending, end] = found;
    if (typeof owner !== "string") return undefined;
    // Without an owner it was taken from the node.
    const ending = owner !== "" && end ? endingOfText(end) : undefined;
    return {
      facts: factsOf(facts ?? undefined),
      events: Number(seq),
      ending,
      spending: ending ?? spendingOfText(spending ?? undefined),
    };
  });
}
