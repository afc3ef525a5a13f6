import { DatabaseSync, type StatementSync } from "node:sqlite";
import { isNativeError } from "node:util/types";
import { migrate } from "../sqlite/migrations.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { inTransaction } from "../sqlite/transaction.ts";
import type { LedgerWrite } from "./ledger-rows.ts";
import { LEDGER_STEPS } from "./ledger-steps.ts";

export const LEDGER_FILE = "ledger.db";
export const IN_MEMORY = ":memory:";

/** Rows deleted in one go, so that writers wait for little. */
const PRUNED_AT_ONCE = 1_000;

/** What a row itself is to blame for (SQLite's result codes): too big, against a rule, of a wrong type, out of range. */
const ROW_FAULTS: ReadonlySet<unknown> = new Set([18, 19, 20, 25]);

const OPEN = `
  INSERT INTO streams (stream, instance, caller, key_id, face, session, route, model, upstream_model, opened_at,
    counted_tokens, counted_nano)
  VALUES ($stream, $instance, $caller, $key_id, $face, $session, $route, $model, $upstream_model, $opened_at,
    $counted_tokens, $counted_nano)
  ON CONFLICT (stream) DO NOTHING`;

// The wall clock may be set back meanwhile: nothing ends before it began.
const CLOSE = `
  UPDATE streams SET
    closed_at = max(opened_at, $closed_at), outcome = $outcome, code = $code, source = $source,
    input_tokens = $input_tokens, output_tokens = $output_tokens, cache_read_tokens = $cache_read_tokens,
    cache_write_tokens = $cache_write_tokens, reasoning_tokens = $reasoning_tokens, cost_nano = $cost_nano,
    first_byte_ms = $first_byte_ms, first_content_ms = $first_content_ms, first_sent_ms = $first_sent_ms,
    total_ms = $total_ms, events = $events, bytes = $bytes,
    counted_tokens = $counted_tokens, counted_nano = $counted_nano
  WHERE stream = $stream AND (outcome IS NULL OR outcome = 'lost')`;

const CORRECT = `
  UPDATE streams SET
    source = 'exact', input_tokens = $input_tokens, output_tokens = $output_tokens,
    cache_read_tokens = $cache_read_tokens, cache_write_tokens = $cache_write_tokens,
    reasoning_tokens = $reasoning_tokens, cost_nano = $cost_nano, counted_tokens = NULL, counted_nano = NULL
  WHERE stream = $stream AND source IN ('estimated', 'unknown') AND $source = 'exact'`;

/** The statements that write. Blocking: with a file it lives in a worker thread. */
export class LedgerDatabase {
  readonly connection: DatabaseSync;
  readonly #instance: string;
  readonly #open: StatementSync;
  readonly #close: StatementSync;
  readonly #correct: StatementSync;

  /**
   * Opens or creates the ledger, in a directory or in memory. `instance` names this run in the rows it opens; `busyMs` is
   * how long a statement waits for another process. Throws when the ledger cannot be used.
   */
  constructor(directory: string, options: { readonly instance: string; readonly busyMs: number }) {
    const connection =
      directory === IN_MEMORY ? inMemory() : openDatabase(directory, LEDGER_FILE, LEDGER_STEPS, options.busyMs);
    this.connection = connection;
    this.#instance = options.instance;
    this.#open = connection.prepare(OPEN);
    this.#close = connection.prepare(CLOSE);
    this.#correct = connection.prepare(CORRECT);
    this.#correct.setAllowUnknownNamedParameters(true);
  }

  /**
   * Commits the rows together, in order; writing some of them again changes nothing. Returns how many the tables
   * refused, which leaves the others alone. Throws when the store fails: then none is written.
   */
  write(rows: readonly LedgerWrite[]): number {
    return inTransaction(this.connection, () => rows.reduce((refused, row) => refused + (this.#wrote(row) ? 0 : 1), 0));
  }

  /**
   * Settles what dead runs left open: their prompts were sent, as far as anybody can tell. `living` is asked after a look at who has open rows: a run begins to live before
   * it writes. Returns how many streams that were.
   */
  sweep(living: () => ReadonlySet<string>, wallMs: number): number {
    const owners = this.connection.prepare("SELECT DISTINCT instance FROM streams WHERE outcome IS NULL").all();
    const alive = living();
    const dead = owners
      .map(({ instance }) => String(instance))
      .filter((one) => one !== this.#instance && !alive.has(one));
    const settle = this.connection.prepare(
      `UPDATE streams SET closed_at = max(opened_at, ?), outcome = 'lost',
         source = iif(counted_tokens IS NULL, 'unknown', 'estimated'),
         input_tokens = counted_tokens, cost_nano = counted_nano, counted_tokens = NULL, counted_nano = NULL
       WHERE outcome IS NULL AND instance = ?`,
    );
    return dead.reduce((lost, instance) => lost + Number(settle.run(Math.round(wallMs), instance).changes), 0);
  }

  /** Forgets settled streams that were opened before then. */
  prune(wallMs: number): void {
    const forget = this.connection.prepare(
      `DELETE FROM streams WHERE stream IN
         (SELECT stream FROM streams WHERE opened_at < ? AND outcome IS NOT NULL LIMIT ?)`,
    );
    while (Number(forget.run(Math.round(wallMs), PRUNED_AT_ONCE).changes) === PRUNED_AT_ONCE);
  }

  /** Merges the log into the file. */
  close(): void {
    this.connection.close();
  }

  #wrote({ kind, values }: LedgerWrite): boolean {
    try {
      if (kind === "open") this.#open.run({ ...values, instance: this.#instance });
      else if (this.#close.run(values).changes === 0) this.#correct.run(values);
      return true;
    } catch (error) {
      if (!isNativeError(error) || ("errcode" in error && !ROW_FAULTS.has(Number(error.errcode) & 0xff))) throw error;
      return false;
    }
  }
}

function inMemory(): DatabaseSync {
  const connection = new DatabaseSync(IN_MEMORY);
  migrate(connection, LEDGER_STEPS);
  return connection;
}
