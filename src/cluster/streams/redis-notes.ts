import { createHash } from "node:crypto";
import { BoundedMap } from "../../core/kernel/bounded-map.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
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

/** Claims that are remembered: some hundred bytes each. */
const MOST_CLAIMS = 10_000;

interface Claimed {
  readonly name: string;
  readonly text: string;
  readonly until: number;
}

/**
 * Notes in Redis. Keys are hashed: they contain callers' names, and strings of any length that clients choose. What this node
 * has claimed is claimed again when Redis is back, which may have lost the claim or never have had it.
 */
export class RedisNotes implements Notes {
  readonly #link: RedisLink;
  readonly #names: Names;
  readonly #now: () => number;
  /** By the names of their keys in Redis. */
  readonly #claims = new BoundedMap<string, Claimed>(MOST_CLAIMS);

  constructor(link: RedisLink, names: Names, now: () => number) {
    this.#link = link;
    this.#names = names;
    this.#now = now;
  }

  async put(key: readonly string[], note: JsonObject, ms: number): Promise<void> {
    await this.#link.command(["SET", this.#nameOf(key), JSON.stringify(note), "PX", String(ms)]);
  }

  async claim(key: readonly string[], note: JsonObject, ms: number): Promise<JsonObject | undefined> {
    const claim = { name: this.#nameOf(key), text: JSON.stringify(note), until: this.#now() + ms };
    this.#claims.forgetWhile(({ until }) => until <= this.#now());
    // An earlier one of this node stands.
    if (!this.#claims.get(claim.name)) this.#claims.set(claim.name, claim);
    try {
      const known = noteOf(await this.#claim(claim, ms));
      if (known) this.#forget(claim);
      return known;
    } catch (error) {
      if (!(error instanceof GatewayError)) this.#forget(claim);
      throw error;
    }
  }

  async get(key: readonly string[]): Promise<JsonObject | undefined> {
    return noteOf(await this.#link.command(["GET", this.#nameOf(key)]));
  }

  async remove(key: readonly string[], note: JsonObject): Promise<void> {
    const [name, text] = [this.#nameOf(key), JSON.stringify(note)];
    this.#forget({ name, text });
    await this.#link.run(REMOVE, [name], [text]);
  }

  /** Redis is back, perhaps without what it had: claims again what nobody else has claimed meanwhile. Rejects with `cluster_unavailable`. */
  async reclaim(): Promise<void> {
    for (const claim of [...this.#claims.values()]) {
      const ms = Math.round(claim.until - this.#now());
      if (ms > 0 && this.#claims.get(claim.name) === claim) await this.#claim(claim, ms);
    }
  }

  #claim({ name, text }: Claimed, ms: number): Promise<unknown> {
    return this.#link.run(CLAIM, [name], [text, String(ms)]);
  }

  #forget({ name, text }: Pick<Claimed, "name" | "text">): void {
    if (this.#claims.get(name)?.text === text) this.#claims.delete(name);
  }

  #nameOf(key: readonly string[]): string {
    return this.#names.of("note", createHash("sha256").update(JSON.stringify(key)).digest("base64url"));
  }
}

const noteOf = (text: unknown): JsonObject | undefined =>
  typeof text === "string" ? asObject(parseJson(text)) : undefined;
