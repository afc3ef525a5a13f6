import type { createClient } from "@redis/client";
import { asObject, type JsonObject, parseJson } from "../../core/kernel/json.ts";
import type { Names } from "./names.ts";
import type { RedisLink } from "./redis-link.ts";
import { Script } from "./script.ts";

/** What one node asks of another. */
export interface Message {
  readonly kind: string;
  readonly from: string;
  readonly body: JsonObject;
}

/** A list that its node no longer reads is dropped after this long. */
const KEPT_MS = 60_000;
/** A node that is this far behind gets no more: it is as good as gone. */
const MOST_MESSAGES = 100_000;
const WAIT_SECONDS = 1;
const AGAIN_MS = 200;

/** Adds a message for a node that is alive. 1 if it is, else 0. */
const SEND = new Script(`
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

/** Messages between nodes: a list a node, in order, which loses none while the node lives. */
export class Mailbox {
  readonly #node: string;
  readonly #link: RedisLink;
  readonly #names: Names;
  readonly #fault: (error: unknown) => void;
  readonly #listeners = new Map<string, (message: Message) => void>();
  #reader: ReturnType<typeof createClient> | undefined;
  #reading: Promise<void> | undefined;
  #isClosed = false;

  constructor(node: string, link: RedisLink, names: Names, fault: (error: unknown) => void) {
    this.#node = node;
    this.#link = link;
    this.#names = names;
    this.#fault = fault;
  }

  /** Says who takes messages of a kind. One listener a kind. Must not throw. */
  on(kind: string, listener: (message: Message) => void): void {
    this.#listeners.set(kind, listener);
  }

  /** Reads this node's messages from now on. */
  open(): void {
    this.#reader = this.#link.duplicate();
    this.#reader.on("error", () => {});
    this.#reading = this.#read(this.#reader);
  }

  /** Resolves with whether the node is there to read it. Rejects with `cluster_unavailable`. */
  async send(node: string, kind: string, body: JsonObject): Promise<boolean> {
    const text = JSON.stringify({ kind, from: this.#node, body });
    const keys = [this.#names.mailbox(node), this.#names.lease(node)];
    return (await this.#link.run(SEND, keys, [text, String(KEPT_MS), String(MOST_MESSAGES)])) === 1;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#reader?.destroy();
    await this.#reading;
  }

  async #read(reader: ReturnType<typeof createClient>): Promise<void> {
    // It connects again by itself.
    await reader.connect().catch(() => {});
    while (!this.#isClosed) {
      try {
        const [, text] = (await reader.sendCommand(["BLPOP", this.#names.mailbox(this.#node), String(WAIT_SECONDS)])) as
          | [string, string]
          | [];
        if (text !== undefined) this.#take(text);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS).unref());
      }
    }
  }

  #take(text: string): void {
    const { kind, from, body } = asObject(parseJson(text)) ?? {};
    const listener = this.#listeners.get(String(kind));
    try {
      listener?.({ kind: String(kind), from: String(from), body: asObject(body) ?? {} });
    } catch (error) {
      this.#fault(error);
    }
  }
}
