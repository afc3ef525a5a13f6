import { createClient, RESP_TYPES } from "@redis/client";
import { reasonOf } from "./reasons.ts";
import { CONNECT_MS, clientOptions, type RedisOptions } from "./redis-options.ts";

const create = (options: RedisOptions) => createClient(clientOptions(options));
type Client = ReturnType<typeof create>;

/** What a connection tells of itself. */
export interface ConnectionEvents {
  /** It is made, and whatever belongs to each connection can be asked for. */
  ready(): void;
  /** It broke, or could not be made. It is tried again. */
  lost(reason: string): void;
}

/** What Redis answers: a text, a whole number, nothing, or a list of these. */
export type Reply = string | number | null | readonly Reply[];

/** The same, with bytes for texts. */
export type BytesReply = Buffer | number | null | readonly BytesReply[];

const AS_BYTES = { [RESP_TYPES.BLOB_STRING]: Buffer };

/** An answer that takes longer counts as none. */
export const ANSWER_MS = 2_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
/** A connection that broke sooner counts as one more failure. */
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
  #stopWaiting = () => {};
  #isClosed = false;

  constructor(options: RedisOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
  }

  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  /** Begins to connect, and to stay connected. */
  open(): void {
    this.#running ??= this.#run();
  }

  /**
   * Sends one command. Rejects with Redis' `ErrorReply`, or with another error when the connection is not there or breaks,
   * which it does when the answer takes longer than this.
   */
  ask(args: readonly (string | Buffer)[], answerMs = ANSWER_MS): Promise<Reply> {
    return this.#ask((client) => client.sendCommand<Reply>([...args]), answerMs);
  }

  /** The same, with bytes for texts in the answer. */
  askForBytes(args: readonly (string | Buffer)[]): Promise<BytesReply> {
    return this.#ask((client) => client.withTypeMapping(AS_BYTES).sendCommand<BytesReply>([...args]), ANSWER_MS);
  }

  /**
   * Subscribes to a channel for as long as this connection lasts: to be done again whenever it is ready. `listens` is called
   * once messages come.
   */
  subscribe(channel: string, listener: (message: string) => void, listens: () => void): void {
    this.#ready?.subscribe(channel, listener).then(listens, () => {});
  }

  /** Leaves a channel, with the listener given before: without it the driver would not subscribe again before it has left. */
  unsubscribe(channel: string, listener: (message: string) => void): void {
    this.#ready?.unsubscribe(channel, listener).catch(() => {});
  }

  /** Closes it; what is not answered is rejected. Resolves at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const { client, over } = this.#attempt ?? {};
    this.#ready = undefined;
    client?.destroy();
    over?.("it is closed");
    this.#stopWaiting();
    await this.#running;
  }

  async #ask<Answer>(send: (client: Client) => Promise<Answer>, answerMs: number): Promise<Answer> {
    const client = this.#ready;
    if (!client) throw new Error("it is not connected");
    let isAnswered = false;
    const late = setTimeout(() => {
      // Reads come first: an answer that arrived while this process stood still counts.
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
      if (!this.#isClosed) await this.#wait(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS));
    }
  }

  /** One connection from its beginning to its end. */
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

  /** Undefined when that is not possible now, which is told. */
  #create(): Client | undefined {
    try {
      return create(this.#options);
    } catch {
      // It could be read when the gateway started: it may be about to be replaced. Callers need not know where it is.
      this.#events.lost("the file of cluster.redis.caFile cannot be read");
      return undefined;
    }
  }

  /** The first reason counts. Told before whoever waits for an answer learns that there will be none. */
  #over(client: Client, reason: string): void {
    if (this.#attempt?.client !== client) return;
    const { over } = this.#attempt;
    this.#attempt = undefined;
    this.#ready = undefined;
    if (!this.#isClosed) this.#events.lost(reason);
    over(reason);
  }

  /** With some chance in it: the nodes of a cluster lose their connections together. */
  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms * (0.5 + Math.random() / 2)).unref();
      this.#stopWaiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
