import { ErrorReply } from "@redis/client";
import { GatewayError } from "../../core/kernel/errors.ts";
import { type BytesReply, Connection, type ConnectionEvents, type Reply } from "./connection.ts";
import { CLOSED, isUnable, reasonOf } from "./reasons.ts";
import { clientOptions, type RedisOptions, redisPlace } from "./redis-options.ts";
import type { Script } from "./script.ts";

export type { BytesReply, Reply } from "./connection.ts";

/** The events of a link. */
export interface LinkEvents {
  /** Redis is up again, or away. Called once a change. */
  state(isUp: boolean, reason: string | undefined): void;
}

const PROBE_MS = 1_000;
/** How long what a probe wrote is kept, in milliseconds. */
const PROBED_MS = 60_000;
const PUBLISH = "return redis.call('PUBLISH', KEYS[1], '')";

/**
 * A connection to Redis that knows whether Redis works: it writes a probe once a second. Nothing waits for a Redis that is away:
 * commands are refused at once then with `cluster_unavailable`. So are those that get no reply within two seconds, though Redis
 * may have run them.
 */
export class RedisLink {
  /** Names the server in messages for people. */
  readonly place: string;
  readonly #options: RedisOptions;
  readonly #events: LinkEvents;
  readonly #connection: Connection;
  readonly #opened = Promise.withResolvers<void>();
  /** Scripts whose source this connection has sent. */
  readonly #known = new Set<Script>();
  #isUp = false;
  #changedAt = performance.now();
  #latencyMs: number | undefined;
  #reason = "it is not connected";
  #probes: NodeJS.Timeout | undefined;
  #isProbing = false;

  /** Throws `cluster_unavailable` when `caFile` cannot be read. */
  constructor(options: RedisOptions, events: LinkEvents) {
    this.place = redisPlace(options.url);
    this.#options = options;
    this.#events = events;
    clientOptions(options);
    this.#opened.promise.catch(() => {});
    this.#connection = this.connect({
      ready: () => {
        this.#known.clear();
        void this.#probe();
      },
      lost: (reason) => this.#away(reason),
    });
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Why it is away; undefined if it is not. Without a secret. */
  get reason(): string | undefined {
    return this.#isUp ? undefined : this.#reason;
  }

  /** How long Redis has been away, in milliseconds; 0 if it is not. */
  get awayMs(): number {
    return this.#isUp ? 0 : performance.now() - this.#changedAt;
  }

  /** How long the latest probe took, in milliseconds. */
  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** Connects. Rejects with `cluster_unavailable` when the first attempt fails; close it then. */
  async open(): Promise<void> {
    this.#connection.open();
    this.#probes = setInterval(() => void this.#probe(), PROBE_MS).unref();
    await this.#opened.promise;
  }

  /** Runs a script. Rejects with `cluster_unavailable` when Redis is away, or with what the script raised. */
  async run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[] = []): Promise<Reply> {
    return (await this.#run(script, keys, args, false)) as Reply;
  }

  /** The same, with bytes instead of strings: for replies that may not be UTF-8. */
  async runForBytes(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<BytesReply> {
    return (await this.#run(script, keys, args, true)) as BytesReply;
  }

  /** Sends one command. Rejects as `run` does. */
  async command(args: readonly (string | Buffer)[]): Promise<Reply> {
    return (await this.#ask(args, false)) as Reply;
  }

  async #run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
    asBytes: boolean,
  ): Promise<Reply | BytesReply> {
    const rest = [String(keys.length), ...keys, ...args];
    // As source the first time on each connection: after NOSCRIPT, later calls would overtake this one.
    if (!this.#known.has(script)) {
      this.#known.add(script);
      return this.#ask(["EVAL", script.source, ...rest], asBytes);
    }
    try {
      return await this.#ask(["EVALSHA", script.sha1, ...rest], asBytes);
    } catch (error) {
      if (!(error instanceof ErrorReply && error.message.startsWith("NOSCRIPT"))) throw error;
      return await this.#ask(["EVAL", script.source, ...rest], asBytes);
    }
  }

  async #ask(args: readonly (string | Buffer)[], asBytes: boolean): Promise<Reply | BytesReply> {
    if (!this.#isUp) throw unusable(this.#reason);
    try {
      return await (asBytes ? this.#connection.askForBytes(args) : this.#connection.ask(args));
    } catch (error) {
      if (error instanceof ErrorReply && !isUnable(error)) throw error;
      const reason = reasonOf(error);
      if (error instanceof ErrorReply) this.#away(reason);
      throw unusable(this.#isUp ? reason : this.#reason);
    }
  }

  /** Another connection to the same server, for commands that block it or take it over. The caller opens and closes it. */
  connect(events: ConnectionEvents): Connection {
    return new Connection(this.#options, events);
  }

  /** Closes the connection, and rejects what has not been answered. */
  close(): void {
    clearInterval(this.#probes);
    this.#isUp = false;
    this.#reason = "it is closed";
    void this.#connection.close();
  }

  /** Writes, because a full Redis, or a replica, would answer PING; and publishes in a script, which a user may lack the rights for. */
  async #probe(): Promise<void> {
    if (this.#isProbing || !this.#connection.isReady) return;
    this.#isProbing = true;
    const askedAt = performance.now();
    try {
      const key = this.#options.probeKey ?? "sluice:probe";
      await this.#connection.ask(["SET", key, "", "PX", String(PROBED_MS)]);
      this.#latencyMs = performance.now() - askedAt;
      await this.#connection.ask(["EVAL", PUBLISH, "1", key]);
      this.#up();
    } catch (error) {
      // The connection reports all other errors.
      if (error instanceof ErrorReply) this.#away(reasonOf(error));
    } finally {
      this.#isProbing = false;
    }
  }

  #up(): void {
    if (this.#isUp || !this.#connection.isReady) return;
    this.#isUp = true;
    this.#changedAt = performance.now();
    this.#opened.resolve();
    this.#events.state(true, undefined);
  }

  #away(reason: string): void {
    this.#reason = reason;
    const hint = reason === CLOSED ? ", as one that expects TLS does (rediss://)" : "";
    this.#opened.reject(unusable(reason + hint, `Redis at ${this.place}`));
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#changedAt = performance.now();
    this.#events.state(false, reason);
  }
}

/** Clients need not know where Redis is: only who opens a link does. */
const unusable = (reason: string, which = "the cluster's Redis"): GatewayError =>
  new GatewayError("cluster_unavailable", `${which} cannot be used: ${reason}`);
