import { ErrorReply } from "@redis/client";
import { GatewayError } from "../../core/kernel/errors.ts";
import { type BytesReply, Connection, type ConnectionEvents, type Reply } from "./connection.ts";
import { isUnable, reasonOf } from "./reasons.ts";
import { clientOptions, type RedisOptions, redisPlace } from "./redis-options.ts";
import type { Script } from "./script.ts";

export type { BytesReply, Reply } from "./connection.ts";

/** What a link tells of itself. */
export interface LinkEvents {
  /** Redis answers again, or no more. Called once a change. */
  state(isUp: boolean, reason: string | undefined): void;
}

const PROBE_MS = 1_000;
/** How long what a probe wrote is kept. */
const PROBED_MS = 60_000;

/**
 * A connection to Redis that knows whether Redis works: once a second it writes something. Nothing waits for a Redis that is
 * away: what is asked then is refused at once with `cluster_unavailable`, and so is what it does not answer in two seconds,
 * which it may have done.
 */
export class RedisLink {
  /** Names the server for people. */
  readonly place: string;
  readonly #options: RedisOptions;
  readonly #events: LinkEvents;
  readonly #connection: Connection;
  readonly #opened = Promise.withResolvers<void>();
  /** Scripts that this connection has sent whole. */
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

  /** How long Redis took for its latest write of a probe, in milliseconds. */
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

  /** The same, with bytes for texts: for what may be no UTF-8. */
  async runForBytes(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<BytesReply> {
    return (await this.#run(script, keys, args, true)) as BytesReply;
  }

  /** Sends one command, its arguments as bytes or texts. Rejects as `run` does. */
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
    // Whole the first time on each connection: asking whether Redis knows it would let later calls overtake this one.
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
    if (!this.#isUp) throw this.#unavailable(this.#reason);
    try {
      return await (asBytes ? this.#connection.askForBytes(args) : this.#connection.ask(args));
    } catch (error) {
      if (error instanceof ErrorReply && !isUnable(error)) throw error;
      const reason = reasonOf(error);
      if (error instanceof ErrorReply) this.#away(reason);
      throw this.#unavailable(this.#isUp ? reason : this.#reason);
    }
  }

  /** Another connection to the same server for what blocks one or takes it over. To be opened and closed by the caller. */
  connect(events: ConnectionEvents): Connection {
    return new Connection(this.#options, events);
  }

  /** Closes the connection; what is not answered is rejected. */
  close(): void {
    clearInterval(this.#probes);
    this.#isUp = false;
    this.#reason = "it is closed";
    void this.#connection.close();
  }

  /** PING would be answered by a Redis that is full, or a replica. */
  async #probe(): Promise<void> {
    if (this.#isProbing || !this.#connection.isReady) return;
    this.#isProbing = true;
    const askedAt = performance.now();
    try {
      await this.#connection.ask(["SET", this.#options.probeKey ?? "sluice:probe", "", "PX", String(PROBED_MS)]);
      this.#latencyMs = performance.now() - askedAt;
      this.#up();
    } catch (error) {
      // What else it can be, the connection tells.
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
    this.#opened.reject(this.#unavailable(reason));
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#changedAt = performance.now();
    this.#events.state(false, reason);
  }

  #unavailable(reason: string): GatewayError {
    return new GatewayError("cluster_unavailable", `Redis at ${this.place} cannot be used: ${reason}`);
  }
}
