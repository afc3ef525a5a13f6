import { createHash } from "node:crypto";
import { asObject, type JsonObject, parseJson } from "../../core/kernel/json.ts";
import type { Notes } from "../../core/ports/notes.ts";
import type { Names } from "../link/names.ts";
import type { RedisLink } from "../link/redis-link.ts";
import { Script } from "../link/script.ts";

/** `{note}`, `{text, ms}` → the note that was there, or nothing. */
const CLAIM = new Script(`
local known = redis.call('GET', KEYS[1])
if known then return known end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
`);

/** `{note}`, `{text}`. */
const REMOVE = new Script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`);

/** Notes in Redis. Keys are hashed: they hold names of callers and of clients' own choice, of any length. */
export class RedisNotes implements Notes {
  readonly #link: RedisLink;
  readonly #names: Names;

  constructor(link: RedisLink, names: Names) {
    this.#link = link;
    this.#names = names;
  }

  async put(key: readonly string[], note: JsonObject, ms: number): Promise<void> {
    await this.#link.command(["SET", this.#nameOf(key), JSON.stringify(note), "PX", String(ms)]);
  }

  async claim(key: readonly string[], note: JsonObject, ms: number): Promise<JsonObject | undefined> {
    const known = await this.#link.run(CLAIM, [this.#nameOf(key)], [JSON.stringify(note), String(ms)]);
    return noteOf(known);
  }

  async get(key: readonly string[]): Promise<JsonObject | undefined> {
    return noteOf(await this.#link.command(["GET", this.#nameOf(key)]));
  }

  async remove(key: readonly string[], note: JsonObject): Promise<void> {
    await this.#link.run(REMOVE, [this.#nameOf(key)], [JSON.stringify(note)]);
  }

  #nameOf(key: readonly string[]): string {
    return this.#names.of("note", createHash("sha256").update(JSON.stringify(key)).digest("base64url"));
  }
}

const noteOf = (text: unknown): JsonObject | undefined =>
  typeof text === "string" ? asObject(parseJson(text)) : undefined;
