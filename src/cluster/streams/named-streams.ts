import { createHash } from "node:crypto";
import { asObject, asString, type JsonObject, parseJson } from "../../core/kernel/json.ts";
import type { NamedStream, StreamNames } from "../../core/stream/elsewhere.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { Names } from "../link/names.ts";
import type { RedisLink } from "../link/redis-link.ts";
import { Script } from "../link/script.ts";
import { readForCertain } from "./finding.ts";
import type { SearchResult, Wanted } from "./inquiries.ts";

/** `{name}`, `{stream, when it got the name, what to know of it, ms}`: names a stream, unless a newer one has the name. */
const NAME = new Script(`
local at = redis.call('HGET', KEYS[1], 'at')
if at and tonumber(at) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'stream', ARGV[1], 'at', ARGV[2], 'about', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
`);

/** `{name}`, `{stream, ms}`: takes the name from that stream; for that long no older one gets it. */
const UNNAME = new Script(`
if redis.call('HGET', KEYS[1], 'stream') ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'stream', '', 'about', '{}')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
`);

/** `{names}`, `{ms, each name's stream}`: prolongs names that are still their streams' → the places, from 1, of names that are missing. */
const TOUCH_NAMES = new Script(`
local missing = {}
for place, name in ipairs(KEYS) do
  local stream = redis.call('HGET', name, 'stream')
  if not stream then missing[#missing + 1] = place
  elseif stream == ARGV[place + 1] then redis.call('PEXPIRE', name, ARGV[1])
  end
end
return missing
`);

/** How much longer than an ended stream is kept its name lives, from when its node last touched it, in milliseconds. */
const NAMED_MS = 600_000;
const TOUCH_MS = 120_000;
/** Names in one call. */
const BATCH = 64;

/** What names need of their node. */
export interface NamedStreamsParts {
  readonly link: RedisLink;
  readonly names: Names;
  readonly now: () => number;
  /** Redis' clock, as far as this node knows. */
  readonly wall: () => number;
  /** How long an ended stream is kept, in milliseconds. */
  readonly retentionMs: () => number;
  /** Asks all other nodes. */
  readonly seek: (wanted: Wanted) => Promise<SearchResult>;
  readonly fault: (error: unknown) => void;
}

interface Named {
  readonly key: string;
  readonly stream: string;
  /** By Redis' clock, in milliseconds: of two nodes' streams the newer one has the name. */
  readonly at: number;
  readonly about: () => JsonObject;
}

/**
 * Names by which streams are found from every node; each belongs to the newest stream of all nodes. They are written a moment
 * after the streams, and again when Redis was away. Clients choose what names contain, so Redis only has their hashes.
 */
export class NamedStreams implements StreamNames, Disposable {
  readonly #parts: NamedStreamsParts;
  /** Those of this node, by key and by stream. */
  readonly #byKey = new Map<string, Named>();
  readonly #byStream = new Map<string, Named>();
  readonly #touches: NodeJS.Timeout;

  constructor(parts: NamedStreamsParts) {
    this.#parts = parts;
    this.#touches = setInterval(() => void this.refresh(), TOUCH_MS).unref();
  }

  give(registered: RegisteredStream, name: readonly string[], about: () => JsonObject): void {
    const { stream } = registered;
    const key = this.#keyOf(name);
    const earlier = this.#byKey.get(key);
    if (earlier) this.#byStream.delete(earlier.stream);
    const named = { key, stream: stream.info.id, at: Math.round(this.#parts.wall()), about };
    this.#byKey.set(key, named);
    this.#byStream.set(named.stream, named);
    this.#write(named);
    if (stream.terminal) this.ended(registered);
  }

  async find(name: readonly string[]): Promise<NamedStream | undefined> {
    const { now, seek } = this.#parts;
    const key = this.#keyOf(name);
    const read = async () => {
      const stored = await this.#read(key);
      const own = this.#byKey.get(key);
      return stored ?? (own && { stream: own.stream, about: own.about() });
    };
    return await readForCertain({ now, read, seek: () => seek({ name: key }) });
  }

  take(name: readonly string[], stream: string): void {
    this.#remove(this.#keyOf(name), stream, this.#keptMs);
  }

  /** The stream of this node that has this key, which is written again. */
  at(key: string): string | undefined {
    const named = this.#byKey.get(key);
    if (named) this.#write(named);
    return named?.stream;
  }

  /** A stream of this node has ended. One that failed is not read again, unless it was only lost. */
  ended({ stream: { info, terminal } }: RegisteredStream): void {
    if (terminal?.error && terminal.error.code !== "owner_lost") this.gone(info.id, this.#keptMs);
  }

  /** A stream of this node is no longer kept. For `ms` its name goes to no older one. */
  gone(stream: string, ms = 0): void {
    const named = this.#byStream.get(stream);
    if (!named) return;
    this.#byStream.delete(stream);
    this.#byKey.delete(named.key);
    this.#remove(named.key, stream, ms);
  }

  /** Touches the names of this node, and writes those that Redis does not have, or has lost. Never rejects. */
  async refresh(): Promise<void> {
    const all = [...this.#byKey.values()];
    for (let at = 0; at < all.length; at += BATCH) {
      const batch = all.slice(at, at + BATCH);
      const args = [String(this.#keptMs), ...batch.map(({ stream }) => stream)];
      const keys = batch.map(({ key }) => key);
      // If Redis is away, the next touch does it.
      const missing = await this.#parts.link.run(TOUCH_NAMES, keys, args).catch(() => undefined);
      if (!Array.isArray(missing)) return;
      for (const index of missing) this.#rewrite(batch[Number(index) - 1]);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#touches);
  }

  get #keptMs(): number {
    return NAMED_MS + this.#parts.retentionMs();
  }

  #rewrite(named: Named | undefined): void {
    if (named && this.#byKey.get(named.key) === named) this.#write(named);
  }

  #write({ key, stream, at, about }: Named): void {
    const args = [stream, String(at), JSON.stringify(about()), String(this.#keptMs)];
    this.#do(() => this.#parts.link.run(NAME, [key], args));
  }

  #remove(key: string, stream: string, ms: number): void {
    this.#do(() => this.#parts.link.run(UNNAME, [key], [stream, String(ms)]));
  }

  async #read(key: string): Promise<NamedStream | undefined> {
    const [stream, about] = (await this.#parts.link.command(["HMGET", key, "stream", "about"])) as unknown[];
    if (typeof stream !== "string") return undefined;
    return { stream, about: asObject(parseJson(asString(about) ?? "")) ?? {} };
  }

  #do(ask: () => Promise<unknown>): void {
    ask().catch((error: unknown) => {
      // The link reports that Redis is away.
      if (this.#parts.link.isUp) this.#parts.fault(error);
    });
  }

  #keyOf(name: readonly string[]): string {
    return this.#parts.names.of("name", createHash("sha256").update(JSON.stringify(name)).digest("base64url"));
  }
}
