import { setTimeout } from "node:timers/promises";
import type { TestPostgres } from "../stores/postgres-server.ts";
import type { Visit } from "./crowd.ts";

/** A stream's row in the ledger. */
export interface LedgerRow {
  readonly stream: string;
  /** Empty while it has not ended. */
  readonly outcome: string;
  readonly source: string;
  readonly input: number;
  readonly output: number;
}

/** The ledger's rows. */
export const readLedger = (postgres: TestPostgres, schema: string): readonly LedgerRow[] =>
  postgres
    .ask(`SELECT stream, outcome, source, input_tokens, output_tokens FROM ${schema}.streams`)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [stream = "", outcome = "", source = "", input, output] = line.split("|");
      return { stream, outcome, source, input: Number(input), output: Number(output) };
    });

/** The same once every row has its end: a killed node's are closed by another. */
export async function readClosedLedger(postgres: TestPostgres, schema: string): Promise<readonly LedgerRow[]> {
  const until = performance.now() + CLOSED_MS;
  for (;;) {
    const rows = readLedger(postgres, schema);
    if (performance.now() > until || rows.every(({ outcome }) => outcome !== "")) return rows;
    await setTimeout(200);
  }
}

/** How long rows may take to be closed once their streams are over, in milliseconds. */
const CLOSED_MS = 15_000;

/** How long a node may take to write a row after it has told the end, in milliseconds: what it had not written dies with it. */
export const WRITE_MS = 1_000;

/** Compares streams with their rows: a stream that has ended has one, and a completed one has the upstream's figures. */
export function checkLedger(
  visits: readonly Visit[],
  rows: readonly LedgerRow[],
  lostAt: ReadonlyMap<string, number>,
): readonly string[] {
  const byStream = Map.groupBy(rows, ({ stream }) => stream);
  return visits.flatMap(({ key, stream, status, flood, owner, endedAt = 0 }) => {
    if (stream === undefined) return [];
    const found = byStream.get(stream) ?? [];
    const [row] = found;
    if (found.length > 1) return [`${key}: ${found.length} rows`];
    // Its last rows die with a node that is killed.
    const isWritten = endedAt + WRITE_MS < (lostAt.get(owner ?? "") ?? Number.POSITIVE_INFINITY);
    if (!row) return status === "completed" && isWritten ? [`${key}: no row`] : [];
    if (status !== "completed" || !isWritten) return [];
    const { input, output } = flood.usage ?? { input: 1, output: 1 };
    const isRight = row.source === "exact" && row.input === input && row.output === output;
    return isRight && row.outcome === "completed"
      ? []
      : [`${key}: ${row.outcome} ${row.source} ${row.input}+${row.output}, the upstream says ${input}+${output}`];
  });
}
