import { asArray, asObject, asString, type JsonObject, parseJson } from "../../core/kernel/json.ts";
import { ANSWER_MS, type Connection } from "./connection.ts";
import type { Names } from "./names.ts";
import { Pause } from "./pause.ts";
import type { RedisLink } from "./redis-link.ts";
import { Script } from "./script.ts";

/** What one node asks of another. */
export interface Message {
  readonly kind: string;
  readonly from: string;
  readonly body: JsonObject;
}

/** A box that its node no longer reads is dropped after this long, in milliseconds. */
const KEPT_MS = 60_000;
/** A node that is this far behind gets no more: it is as good as gone. */
const MOST_MESSAGES = 100_000;
/** How many are read at once. */
const BATCH = 100;
const WAIT_MS = 1_000;
const AGAIN_MS = 200;
/** The id before all messages. */
const START = "0-0";

/** Adds a message for a node that was not cleared away. 1 if it was added, else 0. */
const SEND = new Script(`
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 then return 0 end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('XADD', KEYS[1], '*', 'm', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`);

/**
 * Messages between nodes: a Redis Stream a node. Those of one sender arrive in order, each once, and none is lost while the
 * node lives and Redis keeps its data: a message is removed once it has been handled, not when it is read.
 */
export class Mailbox {
  readonly #node: string;
  readonly #link: RedisLink;
  readonly #names: Names;
  readonly #fault: (error: unknown) => void;
  readonly #listeners = new Map<string, (message: Message) => void>();
  readonly #connection: Connection;
  #reading: Promise<void> | undefined;
  #isClosed = false;
  readonly #pause = new Pause();
  /** The last message that was handled and may not be removed yet. */
  #taken = START;

  constructor(node: string, link: RedisLink, names: Names, fault: (error: unknown) => void) {
    this.#node = node;
    this.#link = link;
    this.#names = names;
    this.#fault = fault;
    this.#connection = link.connect({ ready: () => this.#pause.end(), lost: () => {} });
  }

  /** Sets the one listener for a kind of message. It must not throw. */
  on(kind: string, listener: (message: Message) => void): void {
    this.#listeners.set(kind, listener);
  }

  /** Reads this node's messages from now on. */
  open(): void {
    this.#connection.open();
    this.#reading = this.#read();
  }

  /**
   * Resolves with whether the node is there to read it: not if it left, or was cleared away after its death. Rejects with
   * `cluster_unavailable`.
   */
  async send(node: string, kind: string, body: JsonObject): Promise<boolean> {
    const text = JSON.stringify({ kind, from: this.#node, body });
    const keys = [this.#names.mailbox(node), this.#names.nodes];
    return (await this.#link.run(SEND, keys, [node, text, String(KEPT_MS), String(MOST_MESSAGES)])) === 1;
  }

  /** Stops reading. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pause.end();
    await this.#connection.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    while (!this.#isClosed) {
      try {
        for (const [id, text] of await this.#next()) {
          this.#taken = id;
          this.#take(text);
          if (this.#isClosed) return;
        }
      } catch {
        // Redis is away, or full: messages stay in the box.
        await this.#pause.wait(AGAIN_MS);
      }
    }
  }

  /** The messages after the last one that was handled, as ids and texts; waits for a while if there are none. */
  async #next(): Promise<readonly (readonly [id: string, text: string])[]> {
    const box = this.#names.mailbox(this.#node);
    if (this.#taken !== START) {
      await this.#connection.ask(["XTRIM", box, "MINID", after(this.#taken)]);
      // A Redis that lost its data starts its ids over, and its clock may be behind.
      this.#taken = START;
    }
    const block = ["COUNT", String(BATCH), "BLOCK", String(WAIT_MS)];
    const reply = await this.#connection.ask(["XREAD", ...block, "STREAMS", box, this.#taken], WAIT_MS + ANSWER_MS);
    const [[, entries] = []] = asArray(reply) as unknown as [unknown, [string, [string, string]][]][];
    return (entries ?? []).map(([id, [, text]]) => [id, text]);
  }

  #take(text: string): void {
    const { kind, from, body } = asObject(parseJson(text)) ?? {};
    try {
      const listener = this.#listeners.get(asString(kind) ?? "");
      listener?.({ kind: String(kind), from: String(from), body: asObject(body) ?? {} });
    } catch (error) {
      this.#fault(error);
    }
  }
}

/** The id that follows another. */
function after(id: string): string {
  const [time, number] = id.split("-");
  return `${time}-${BigInt(number ?? "0") + 1n}`;
}
