import type { PostgresDatabase, Query } from "../postgres/database.ts";
import type { DeadRuns } from "../postgres/dead-runs.ts";
import { isRowFault, reasonOf } from "../postgres/outage.ts";
import { fromColumn, toColumn } from "../postgres/values.ts";
import { closingWrite, type LedgerWrite, leftRow } from "./ledger-rows.ts";
import type { LedgerWriter } from "./ledger-spool.ts";
import { settleEach, type Upkept } from "./ledger-upkeep.ts";
import type { Recall } from "./stored-ledger.ts";

/** Rows deleted at a time. */
const PRUNED_AT_ONCE = 1_000;

const OPEN = `
  INSERT INTO streams (stream, attempt, instance, caller, key_id, team, face, session, route, model, upstream_model, opened_at,
    counted_tokens, counted_nano)
  SELECT stream, attempt, $2, caller, key_id, team, face, session, route, model, upstream_model, opened_at,
    counted_tokens, counted_nano
  FROM json_to_recordset($1) AS row (stream text, attempt integer, caller text, key_id text, team text, face text, session text,
    route text, model text, upstream_model text, opened_at bigint, counted_tokens bigint, counted_nano bigint)
  ON CONFLICT (stream) DO NOTHING`;

const CLOSINGS = `json_to_recordset($1) AS row (stream text, closed_at bigint, outcome text, is_left integer, code text,
    source text, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint, cache_write_tokens bigint,
    reasoning_tokens bigint, cost_nano bigint, counted_tokens bigint, counted_nano bigint, first_byte_ms double precision,
    first_content_ms double precision, first_sent_ms double precision, total_ms double precision, events bigint,
    bytes bigint, anomalies text)`;

// The wall clock may have been set back in between: no stream ends before it began.
const CLOSE = `
  UPDATE streams SET
    closed_at = greatest(streams.opened_at, row.closed_at), outcome = row.outcome, is_left = row.is_left = 1,
    code = row.code, source = row.source, input_tokens = row.input_tokens, output_tokens = row.output_tokens,
    cache_read_tokens = row.cache_read_tokens, cache_write_tokens = row.cache_write_tokens,
    reasoning_tokens = row.reasoning_tokens, cost_nano = row.cost_nano, first_byte_ms = row.first_byte_ms,
    first_content_ms = row.first_content_ms, first_sent_ms = row.first_sent_ms, total_ms = row.total_ms,
    events = row.events, bytes = row.bytes, anomalies = row.anomalies,
    counted_tokens = row.counted_tokens, counted_nano = row.counted_nano
  FROM ${CLOSINGS}
  WHERE streams.stream = row.stream AND (streams.outcome IS NULL OR streams.outcome = 'lost')`;

// Changes nothing in a row that was closed just before: that has the same figures, or another source.
const CORRECT = `
  UPDATE streams SET
    source = 'exact', input_tokens = row.input_tokens, output_tokens = row.output_tokens,
    cache_read_tokens = row.cache_read_tokens, cache_write_tokens = row.cache_write_tokens,
    reasoning_tokens = row.reasoning_tokens, cost_nano = row.cost_nano, counted_tokens = NULL, counted_nano = NULL
  FROM ${CLOSINGS}
  WHERE streams.stream = row.stream AND streams.source IN ('estimated', 'unknown') AND row.source = 'exact'`;

// Locked, so that two nodes that settle the same run do not both count its rows.
const LEFT = `
  SELECT stream, attempt, opened_at, counted_tokens, counted_nano FROM streams
  WHERE outcome IS NULL AND instance = $1 FOR UPDATE`;

/** Closes a run's open rows as `lost`, each with its prompt as the estimate, because it may have been sent. */
const LOSE = `
  UPDATE streams SET closed_at = greatest(opened_at, $1), outcome = 'lost',
    source = CASE WHEN counted_tokens IS NULL THEN 'unknown' ELSE 'estimated' END,
    input_tokens = counted_tokens, cost_nano = counted_nano, counted_tokens = NULL, counted_nano = NULL
  WHERE outcome IS NULL AND instance = $2`;

/** Whose rows are written, and how long they are kept. */
export interface WriterOptions {
  /** Identifies this run in the rows it opens, and by its lock (`RunLock`). */
  readonly instance: string;
  readonly retentionMs: number;
  readonly deadRuns: DeadRuns;
  /** By default nothing is known of rows that a dead run left open. */
  readonly recall?: Recall | undefined;
}

/** Writes the ledger's tables in PostgreSQL for one run of the gateway. */
export class PostgresLedgerWriter implements LedgerWriter, Upkept {
  readonly #database: PostgresDatabase;
  readonly #instance: string;
  readonly #retentionMs: number;
  readonly #deadRuns: DeadRuns;
  readonly #recall: Recall;

  constructor(database: PostgresDatabase, { instance, retentionMs, deadRuns, recall = async () => [] }: WriterOptions) {
    this.#database = database;
    this.#instance = instance;
    this.#retentionMs = retentionMs;
    this.#deadRuns = deadRuns;
    this.#recall = recall;
  }

  /** Commits rows in one transaction; repeating a row changes nothing. Resolves with how many the tables refused; the others are kept. */
  async write(rows: readonly LedgerWrite[]): Promise<number> {
    try {
      await this.#database.inTransaction((query) => this.#writeAll(query, rows));
      return 0;
    } catch (error) {
      if (!isRowFault(error)) throw new Error(reasonOf(error));
    }
    if (rows.length === 1) return 1;
    let refused = 0;
    for (const row of rows) refused += await this.write([row]);
    return refused;
  }

  /**
   * Closes the rows of dead runs. Resolves with how many rows it closed.
   */
  async sweep(): Promise<number> {
    const owners = await this.#database.query("SELECT DISTINCT instance FROM streams WHERE outcome IS NULL");
    const others = owners.map(({ instance }) => String(instance)).filter((one) => one !== this.#instance);
    const lost = await settleEach(others, (instance) =>
      this.#database.inTransaction(async (query) =>
        (await this.#deadRuns.isDead(query, instance)) ? this.#settle(query, instance) : 0,
      ),
    );
    this.#deadRuns.keep(others);
    return lost;
  }

  /** Closes the rows that this run left open. Resolves with how many. Rejects as `recall` does, too. */
  settle(instance: string): Promise<number> {
    return this.#database.inTransaction((query) => this.#settle(query, instance));
  }

  /** Deletes some closed rows past their retention, and resolves with whether there may be more. */
  async prune(): Promise<boolean> {
    const [deleted] = await this.#database.query(
      `WITH deleted AS (DELETE FROM streams WHERE stream IN
         (SELECT stream FROM streams WHERE opened_at < $1 AND outcome IS NOT NULL LIMIT ${PRUNED_AT_ONCE}) RETURNING 1)
       SELECT count(*) AS count FROM deleted`,
      [Date.now() - this.#retentionMs],
    );
    return Number(deleted?.count) === PRUNED_AT_ONCE;
  }

  async #settle(query: Query, instance: string): Promise<number> {
    const left = (await query(LEFT, [instance])).map(leftRow);
    if (left.length === 0) return 0;
    const stored = left.map((row) => ({ ...row, stream: fromColumn(row.stream) }));
    await this.#writeAll(query, (await this.#recall(stored)).map(closingWrite));
    await query(LOSE, [Date.now(), instance]);
    return left.length;
  }

  async #writeAll(query: Query, rows: readonly LedgerWrite[]): Promise<void> {
    for (const { opens, closes } of roundsOf(rows)) {
      if (opens.length > 0) await query(OPEN, [jsonOf(opens), this.#instance]);
      if (closes.length === 0) continue;
      const closings = jsonOf(closes);
      await query(CLOSE, [closings]);
      await query(CORRECT, [closings]);
    }
  }
}

interface Round {
  readonly opens: LedgerWrite[];
  readonly closes: LedgerWrite[];
}

/**
 * Splits rows into rounds, each written by one statement for its opens and then one for its closes. Only the order of
 * one stream's rows counts, so nearly always one round is enough.
 */
function roundsOf(rows: readonly LedgerWrite[]): readonly Round[] {
  const rounds: Round[] = [];
  /** By stream: the round that its next row may be in. */
  const next = new Map<unknown, number>();
  for (const row of rows) {
    const index = next.get(row.values.stream) ?? 0;
    const round = rounds[index] ?? { opens: [], closes: [] };
    rounds[index] = round;
    (row.kind === "open" ? round.opens : round.closes).push(row);
    next.set(row.values.stream, row.kind === "open" ? index : index + 1);
  }
  return rounds;
}

const jsonOf = (rows: readonly LedgerWrite[]): string =>
  JSON.stringify(
    rows.map(({ values }) => values),
    (_, value) => (typeof value === "string" ? toColumn(value) : value),
  );
