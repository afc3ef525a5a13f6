import { createClient, RESP_TYPES } from "@redis/client";
import { Pause } from "./pause.ts";
import { reasonOf } from "./reasons.ts";
import { CONNECT_MS, clientOptions, type RedisOptions } from "./redis-options.ts";

const create = (options: RedisOptions) => createClient(clientOptions(options));
type Client = ReturnType<typeof create>;

/** The events of a connection. */
export interface ConnectionEvents {
  /** It is up: what belongs to each connection, such as subscriptions, can be set up again. */
  ready(): void;
  /** It broke, or could not be made. Another attempt follows. */
  lost(reason: string): void;
}

/** A reply of Redis: a string, an integer, nothing, or a list of these. */
export type Reply = string | number | null | readonly Reply[];

/** The same, with bytes instead of strings. */
export type BytesReply = Buffer | number | null | readonly BytesReply[];

const AS_BYTES = { [RESP_TYPES.BLOB_STRING]: Buffer };

/** A reply that takes longer counts as none, in milliseconds. */
export const ANSWER_MS = 2_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
/** A connection that breaks sooner counts as another failure, in milliseconds. */
const STEADY_MS = 1_000;

const SILENT = "it does not answer";

/**
 * A connection to Redis that is made again whenever it breaks or falls silent. Each attempt is a client of its own, so that
 * nothing of a dead connection is left: no queue, no subscription, no half-read answer.
 */
export class Connection {
  readonly #options: RedisOptions;
  readonly #events: ConnectionEvents;
  #attempt: { readonly client: Client; readonly over: (reason: string) => void } | undefined;
  #ready: Client | undefined;
  #running: Promise<void> | undefined;
  readonly #pause = new Pause();
  #isClosed = false;

  constructor(options: RedisOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
  }

  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  /** Connects, and from now on reconnects whenever the connection breaks. */
  open(): void {
    this.#running ??= this.#run();
  }

  /**
   * Sends one command. Rejects with Redis' `ErrorReply`, or with another error if there is no connection or it breaks. A reply
   * that takes longer than `answerMs` breaks it.
   */
  ask(args: readonly (string | Buffer)[], answerMs = ANSWER_MS): Promise<Reply> {
    return this.#ask((client) => client.sendCommand<Reply>([...args]), answerMs);
  }

  /** The same, with bytes instead of strings in the reply. */
  askForBytes(args: readonly (string | Buffer)[]): Promise<BytesReply> {
    return this.#ask((client) => client.withTypeMapping(AS_BYTES).sendCommand<BytesReply>([...args]), ANSWER_MS);
  }

  /**
   * Subscribes to a channel for as long as this connection lasts; to be done again whenever `ready` is called. `listens` is
   * called once the subscription is in effect.
   */
  subscribe(channel: string, listener: (message: string) => void, listens: () => void): void {
    this.#ready?.subscribe(channel, listener).then(listens, () => {});
  }

  /** Unsubscribes a listener. It must be named, or the driver would not subscribe again before it has unsubscribed. */
  unsubscribe(channel: string, listener: (message: string) => void): void {
    this.#ready?.unsubscribe(channel, listener).catch(() => {});
  }

  /** Closes it, and rejects what has not been answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const { client, over } = this.#attempt ?? {};
    this.#ready = undefined;
    client?.destroy();
    over?.("it is closed");
    this.#pause.end();
    await this.#running;
  }

  async #ask<Answer>(send: (client: Client) => Promise<Answer>, answerMs: number): Promise<Answer> {
    const client = this.#ready;
    if (!client) throw new Error("it is not connected");
    let isAnswered = false;
    const late = setTimeout(() => {
      // Sockets are read first: a reply that arrived while this process stood still counts.
      setImmediate(() => isAnswered || this.#over(client, SILENT));
    }, answerMs);
    try {
      return await send(client);
    } finally {
      isAnswered = true;
      clearTimeout(late);
    }
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isClosed) {
      const since = performance.now();
      await this.#live();
      failures = performance.now() - since < STEADY_MS ? failures + 1 : 0;
      const retryMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS);
      // With jitter: the nodes of a cluster lose their connections at the same moment.
      if (!this.#isClosed) await this.#pause.wait(retryMs * (0.5 + Math.random() / 2));
    }
  }

  /** One connection, until it ends. */
  async #live(): Promise<void> {
    const client = this.#create();
    if (!client) return;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#attempt = { client, over: resolve };
    client.on("error", (error: unknown) => this.#over(client, reasonOf(error)));
    const late = setTimeout(() => this.#over(client, SILENT), CONNECT_MS);
    client.connect().then(
      () => {
        clearTimeout(late);
        if (this.#attempt?.client !== client || this.#isClosed || !client.isReady) return;
        this.#ready = client;
        this.#events.ready();
      },
      (error: unknown) => this.#over(client, reasonOf(error)),
    );
    await promise;
    clearTimeout(late);
    client.destroy();
  }

  /** Undefined when that is not possible now, which is reported. */
  #create(): Client | undefined {
    try {
      return create(this.#options);
    } catch {
      // It could be read when the gateway started: it may be about to be replaced. Callers need not know where it is.
      this.#events.lost("the file of cluster.redis.caFile cannot be read");
      return undefined;
    }
  }

  /** The first reason counts. `lost` is called before those who wait for a reply learn that none will come. */
  #over(client: Client, reason: string): void {
    if (this.#attempt?.client !== client) return;
    const { over } = this.#attempt;
    this.#attempt = undefined;
    this.#ready = undefined;
    if (!this.#isClosed) this.#events.lost(reason);
    over(reason);
  }
}
