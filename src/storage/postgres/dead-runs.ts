import type { Query } from "./database.ts";
import { lockNumber } from "./migrations.ts";
import { lockOfRun } from "./run-lock.ts";

/** As long as a living run takes at most to have its lock again after its connection was lost. */
const DEAD_AFTER_MS = 30_000;

/** What tells whether another run is dead. */
export interface DeadRunsOptions {
  /** Other gateways may be alive: one whose lock is free may only have lost its connection a moment ago. */
  readonly shared: boolean;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

/** Tells runs that have ended from those that are alive: each holds its lock (`RunLock`). */
export class DeadRuns {
  readonly #schema: string;
  readonly #deadAfterMs: number;
  readonly #now: () => number;
  /** By run: since when its lock was found free each time. */
  readonly #freeSince = new Map<string, number>();

  constructor(schema: string, { shared, now }: DeadRunsOptions) {
    this.#schema = schema;
    this.#deadAfterMs = shared ? DEAD_AFTER_MS : 0;
    this.#now = now;
  }

  /** Whether a run is dead. If it is, it cannot come back before the transaction ends. */
  async isDead(query: Query, instance: string): Promise<boolean> {
    const lock = `SELECT pg_try_advisory_xact_lock(${lockNumber("$1")}) AS is_free`;
    const [found] = await query(lock, [lockOfRun(this.#schema, instance)]);
    const at = this.#now();
    const since = found?.is_free === true ? (this.#freeSince.get(instance) ?? at) : undefined;
    if (since === undefined) this.#freeSince.delete(instance);
    else this.#freeSince.set(instance, since);
    return since !== undefined && at - since >= this.#deadAfterMs;
  }

  /** Forgets all runs but these: they have nothing left. */
  keep(instances: readonly string[]): void {
    for (const known of this.#freeSince.keys()) if (!instances.includes(known)) this.#freeSince.delete(known);
  }
}
