import { DatabaseSync, type StatementSync } from "node:sqlite";
import { isNativeError } from "node:util/types";
import { migrate } from "../sqlite/migrations.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { inTransaction } from "../sqlite/transaction.ts";
import { type LedgerWrite, leftRow } from "./ledger-rows.ts";
import { LEDGER_STEPS } from "./ledger-steps.ts";
import type { LeftRow } from "./stored-ledger.ts";

/** The ledger's file in the data directory. */
export const LEDGER_FILE = "ledger.db";
/** A directory's name that keeps the ledger in memory. */
export const IN_MEMORY = ":memory:";

/** Rows deleted at a time: a deletion holds up writers. */
const PRUNED_AT_ONCE = 1_000;

/** SQLite's result codes for a fault of the row itself: TOOBIG, CONSTRAINT, MISMATCH, RANGE. */
const ROW_FAULTS: ReadonlySet<unknown> = new Set([18, 19, 20, 25]);

const OPEN = `
  INSERT INTO streams (stream, attempt, instance, caller, key_id, team, face, session, route, model, upstream_model, opened_at,
    counted_tokens, counted_nano)
  VALUES ($stream, $attempt, $instance, $caller, $key_id, $team, $face, $session, $route, $model, $upstream_model, $opened_at,
    $counted_tokens, $counted_nano)
  ON CONFLICT (stream) DO NOTHING`;

// The wall clock may have been set back in between: no stream ends before it began.
const CLOSE = `
  UPDATE streams SET
    closed_at = max(opened_at, $closed_at), outcome = $outcome, is_left = $is_left, code = $code,
    source = $source, input_tokens = $input_tokens, output_tokens = $output_tokens, cache_read_tokens = $cache_read_tokens,
    cache_write_tokens = $cache_write_tokens, reasoning_tokens = $reasoning_tokens, cost_nano = $cost_nano,
    first_byte_ms = $first_byte_ms, first_content_ms = $first_content_ms, first_sent_ms = $first_sent_ms,
    total_ms = $total_ms, events = $events, bytes = $bytes, anomalies = $anomalies,
    counted_tokens = $counted_tokens, counted_nano = $counted_nano
  WHERE stream = $stream AND (outcome IS NULL OR outcome = 'lost')`;

const CORRECT = `
  UPDATE streams SET
    source = 'exact', input_tokens = $input_tokens, output_tokens = $output_tokens,
    cache_read_tokens = $cache_read_tokens, cache_write_tokens = $cache_write_tokens,
    reasoning_tokens = $reasoning_tokens, cost_nano = $cost_nano, counted_tokens = NULL, counted_nano = NULL
  WHERE stream = $stream AND source IN ('estimated', 'unknown') AND $source = 'exact'`;

/** The ledger's tables and the statements that write them. Blocking: with a file it runs in a worker thread. */
export class LedgerDatabase {
  readonly connection: DatabaseSync;
  readonly #instance: string;
  readonly #open: StatementSync;
  readonly #close: StatementSync;
  readonly #correct: StatementSync;

  /**
   * Opens or creates the ledger in a directory, or in memory. `instance` identifies this run in the rows it opens;
   * `busyMs` is how long a statement waits for another process. Throws when the ledger cannot be used.
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
   * Commits rows in order, in one transaction; repeating a row changes nothing. Returns how many rows the tables
   * refused; the others are kept. Throws when the store fails, and then nothing is written.
   */
  write(rows: readonly LedgerWrite[]): number {
    return inTransaction(this.connection, () => rows.reduce((refused, row) => refused + (this.#wrote(row) ? 0 : 1), 0));
  }

  /**
   * The dead runs that left rows open. Calls `living` after it has read who has open rows: a run takes its lock before it
   * writes.
   */
  dead(living: () => ReadonlySet<string>): readonly string[] {
    const owners = this.connection.prepare("SELECT DISTINCT instance FROM streams WHERE outcome IS NULL").all();
    const alive = living();
    return owners.map(({ instance }) => String(instance)).filter((one) => one !== this.#instance && !alive.has(one));
  }

  /** The rows that one run left open. */
  leftBy(instance: string): readonly LeftRow[] {
    const left = `SELECT stream, attempt, opened_at, counted_tokens, counted_nano FROM streams
      WHERE outcome IS NULL AND instance = ?`;
    return this.connection.prepare(left).all(instance).map(leftRow);
  }

  /**
   * Closes the rows that one run left open: those of which something is `known` with that, the others as `lost`, each with its
   * prompt as the estimate, because it may have been sent. Returns how many.
   */
  settle(instance: string, wallMs: number, known: readonly LedgerWrite[] = []): number {
    return inTransaction(this.connection, () => {
      const count = this.connection.prepare(
        "SELECT count(*) AS rows FROM streams WHERE outcome IS NULL AND instance = ?",
      );
      const rows = Number(count.get(instance)?.rows);
      for (const row of known) this.#wrote(row);
      this.#lose(instance, wallMs);
      return rows;
    });
  }

  #lose(instance: string, wallMs: number): void {
    const close = this.connection.prepare(
      `UPDATE streams SET closed_at = max(opened_at, ?), outcome = 'lost',
         source = iif(counted_tokens IS NULL, 'unknown', 'estimated'),
         input_tokens = counted_tokens, cost_nano = counted_nano, counted_tokens = NULL, counted_nano = NULL
       WHERE outcome IS NULL AND instance = ?`,
    );
    close.run(Math.round(wallMs), instance);
  }

  /** Deletes some closed rows of streams opened before `wallMs`, and returns whether there may be more. */
  prune(wallMs: number): boolean {
    const forget = this.connection.prepare(
      `DELETE FROM streams WHERE stream IN
         (SELECT stream FROM streams WHERE opened_at < ? AND outcome IS NOT NULL LIMIT ?)`,
    );
    return Number(forget.run(Math.round(wallMs), PRUNED_AT_ONCE).changes) === PRUNED_AT_ONCE;
  }

  /** Closes the file and merges its write-ahead log into it. */
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
