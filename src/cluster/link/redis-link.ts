import { createClient, ErrorReply, RESP_TYPES } from "@redis/client";
import { GatewayError } from "../../core/kernel/errors.ts";
import { clientOptions, type RedisOptions, redisPlace } from "./redis-options.ts";
import type { Script } from "./script.ts";

/** What a link tells of itself. */
export interface LinkEvents {
  /** Redis answers again, or no more. Called once a change. */
  state(isUp: boolean, reason: string | undefined): void;
}

/** What Redis answers: a text, a whole number, nothing, or a list of these. */
export type Reply = string | number | null | readonly Reply[];

/** The same, with bytes for texts. */
export type BytesReply = Buffer | number | null | readonly BytesReply[];

interface Sender {
  sendCommand(args: (string | Buffer)[]): Promise<unknown>;
}

/** An answer that takes longer counts as none: Redis is away. */
const ANSWER_MS = 2_000;
const PING_MS = 1_000;

/**
 * Errors that say that Redis cannot do its work now, whatever it is asked: it is full, loading, a replica, or without its
 * disk. It counts as away then.
 */
const UNABLE = /^(OOM|LOADING|READONLY|MASTERDOWN|MISCONF|NOREPLICAS|BUSY|CLUSTERDOWN|UNKILLABLE)\b/;

/**
 * A connection to Redis that knows whether Redis answers. Nothing waits for a Redis that is away: what is asked then is
 * refused at once with `cluster_unavailable`, and so is what it does not answer in two seconds, which it may have done.
 */
export class RedisLink {
  /** Names the server for people. */
  readonly place: string;
  readonly #events: LinkEvents;
  readonly #client: ReturnType<typeof createClient>;
  /** The same connection, which answers with bytes. */
  readonly #forBytes: Sender;
  #isUp = false;
  #changedAt = performance.now();
  #latencyMs: number | undefined;
  #reason: string | undefined;
  #pings: NodeJS.Timeout | undefined;

  /** Throws when `caFile` cannot be read. */
  constructor(options: RedisOptions, events: LinkEvents) {
    this.place = redisPlace(options.url);
    this.#events = events;
    this.#client = createClient(clientOptions(options));
    this.#forBytes = this.#client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    this.#client.on("error", (error: Error) => this.#away(error.message));
    this.#client.on("ready", () => this.#ping());
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** How long Redis has been away, in milliseconds; 0 if it is not. */
  get awayMs(): number {
    return this.#isUp ? 0 : performance.now() - this.#changedAt;
  }

  /** How long the latest answer to a ping took, in milliseconds. */
  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** Connects. Rejects with `cluster_unavailable` when Redis does not answer; close it then. */
  async open(): Promise<void> {
    // The client itself tries on for ever, so that only the first attempt counts here.
    void this.#client.connect().catch((error: Error) => this.#away(error.message));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(this.#unavailable("it does not answer")), 2 * ANSWER_MS);
    this.#client.once("ready", resolve);
    this.#client.once("error", (error: Error) => reject(this.#unavailable(error.message)));
    try {
      await promise;
      await this.command(["PING"]);
      this.#up();
    } finally {
      clearTimeout(timer);
    }
    this.#pings = setInterval(() => this.#ping(), PING_MS);
    this.#pings.unref();
  }

  /** Runs a script. Rejects with `cluster_unavailable` when Redis is away, or with what the script raised. */
  async run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[] = []): Promise<Reply> {
    return (await this.#run(this.#client, script, keys, args)) as Reply;
  }

  /** The same, for answers that are no UTF-8. */
  async runForBytes(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<BytesReply> {
    return (await this.#run(this.#forBytes, script, keys, args)) as BytesReply;
  }

  /** Sends one command, its arguments as bytes or texts. Rejects as `run` does. */
  async command(args: readonly (string | Buffer)[]): Promise<Reply> {
    return (await this.#send(this.#client, args)) as Reply;
  }

  async #run(
    client: Sender,
    script: Script,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.#send(client, ["EVALSHA", script.sha1, ...rest]);
    } catch (error) {
      if (!(error instanceof ErrorReply && error.message.startsWith("NOSCRIPT"))) throw error;
      return await this.#send(client, ["EVAL", script.source, ...rest]);
    }
  }

  async #send(client: Sender, args: readonly (string | Buffer)[]): Promise<unknown> {
    if (!this.#client.isReady) throw this.#unavailable(this.#reason ?? "it is not connected");
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = this.#unavailable("it does not answer");
      this.#away(error.message);
      reject(error);
    }, ANSWER_MS);
    try {
      return await Promise.race([client.sendCommand([...args]), promise]);
    } catch (error) {
      if (error instanceof ErrorReply) {
        if (!UNABLE.test(error.message)) throw error;
        this.#away(error.message);
      }
      throw error instanceof GatewayError ? error : this.#unavailable((error as Error).message);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Another connection to the same server for what blocks one or takes it over: subscriptions, waiting for a list. */
  duplicate(): ReturnType<typeof createClient> {
    return this.#client.duplicate();
  }

  /** Closes the connection; what is not answered is rejected. */
  close(): void {
    clearInterval(this.#pings);
    this.#client.removeAllListeners("ready");
    if (this.#client.isOpen) this.#client.destroy();
  }

  async #ping(): Promise<void> {
    const askedAt = performance.now();
    try {
      await this.command(["PING"]);
      this.#latencyMs = performance.now() - askedAt;
      this.#up();
    } catch {
      // Told by `command`.
    }
  }

  #up(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    this.#changedAt = performance.now();
    this.#reason = undefined;
    this.#events.state(true, undefined);
  }

  #away(reason: string): void {
    this.#reason = reason;
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#changedAt = performance.now();
    this.#events.state(false, reason);
  }

  #unavailable(reason: string): GatewayError {
    return new GatewayError("cluster_unavailable", `Redis at ${this.place} cannot be used: ${reason}`);
  }
}
