import { setTimeout } from "node:timers/promises";
import { GatewayError } from "../../core/kernel/errors.ts";
import { Lanes } from "../postgres/lanes.ts";
import { isOutage } from "../postgres/outage.ts";
import { patiently } from "../postgres/patience.ts";

/** How long a read waits for a server that is away, and each write once the process stops. */
const PATIENCE_MS = 10_000;
/** Reads that may wait. */
const MAX_READS = 1_000;
/** Writes that may wait; what they write is in memory anyway. */
const MAX_WRITES = 10_000;

/**
 * Calls to a server that may be away: those of one lane run in order. A write waits for as long as it takes, a read for a
 * few seconds. All reject with `store_unavailable`.
 */
export class PatientCalls {
  readonly #lanes = new Lanes();
  readonly #patienceMs: number;
  #reads = 0;
  #writes = 0;
  #isAway = false;
  #writesEndAt = Number.POSITIVE_INFINITY;
  #closed: Promise<void> | undefined;

  constructor(patienceMs: number = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
  }

  /** Reads after the calls of its lane that were made before it. */
  async read<Result>(lane: string, call: () => Promise<Result>): Promise<Result> {
    this.#check(this.#reads, MAX_READS);
    this.#reads++;
    const over = new AbortController();
    const endsAt = performance.now() + this.#patienceMs;
    try {
      const answer = this.#lanes.run(lane, () => {
        // Nobody waits any more.
        over.signal.throwIfAborted();
        return this.#patiently(call, () => endsAt);
      });
      // Also when what is before it waits for longer.
      return await Promise.race([answer, rejectsAfter(this.#patienceMs, over.signal)]);
    } catch (cause) {
      throw unavailable(cause);
    } finally {
      over.abort();
      this.#reads--;
    }
  }

  /** Writes after the calls of its lane that were made before it. `call` may take effect twice. */
  async write<Result>(lane: string, call: () => Promise<Result>): Promise<Result> {
    this.#check(this.#writes, MAX_WRITES);
    this.#writes++;
    try {
      return await this.#lanes.run(lane, () => this.#patiently(call, () => this.#writesEndAt));
    } catch (cause) {
      throw unavailable(cause);
    } finally {
      this.#writes--;
    }
  }

  /** Resolves once every call that was made before has settled, or after as long as a read waits. */
  async settled(): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#lanes.settled(), setTimeout(this.#patienceMs, undefined, { signal: over.signal })]).catch(
      () => {},
    );
    over.abort();
  }

  /** From now on writes, too, wait for a few seconds only, until the result is called. */
  hurry(): () => void {
    this.#writesEndAt = Math.min(this.#writesEndAt, performance.now() + this.#patienceMs);
    return () => {
      this.#writesEndAt = Number.POSITIVE_INFINITY;
    };
  }

  /** Waits for the calls that were made before, and refuses others. */
  close(): Promise<void> {
    this.hurry();
    this.#closed ??= this.#lanes.settled();
    return this.#closed;
  }

  #check(waiting: number, most: number): void {
    if (this.#closed !== undefined) throw new GatewayError("store_unavailable", "the store is closed");
    if (waiting >= most) throw new GatewayError("store_unavailable");
  }

  async #patiently<Result>(call: () => Promise<Result>, endsAt: () => number): Promise<Result> {
    // A server that stands still would take seconds to refuse each of those that wait for one another.
    if (this.#isAway && performance.now() > endsAt()) throw new Error("the server is away");
    try {
      const failed = () => {
        this.#isAway = true;
      };
      const result = await patiently(call, { endsAt, failed });
      this.#isAway = false;
      return result;
    } catch (error) {
      if (isOutage(error)) this.#isAway = true;
      throw error;
    }
  }
}

const unavailable = (cause: unknown): GatewayError => new GatewayError("store_unavailable", undefined, { cause });

async function rejectsAfter(ms: number, signal: AbortSignal): Promise<never> {
  await setTimeout(ms, undefined, { signal });
  throw new Error(`nothing was read within ${ms} ms`);
}
