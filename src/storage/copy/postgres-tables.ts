import type { Query } from "../postgres/database.ts";
import { fromColumn, toColumn } from "../postgres/values.ts";
import { type ColumnKind, type CopiedRow, TABLES, type Table } from "./tables.ts";

const TYPES: Readonly<Record<ColumnKind, string>> = {
  text: "text",
  json: "text",
  number: "double precision",
  flag: "boolean",
};

/** How many rows there are in all tables. */
export async function countRows(query: Query): Promise<number> {
  const counts = TABLES.map(({ name }) => `(SELECT count(*) FROM ${name})`).join(" + ");
  const [found] = await query(`SELECT ${counts} AS count`);
  return Number(found?.count);
}

/** The rows of a table, in batches, all as of one moment. `query` is a transaction's. */
export async function* readTable(query: Query, table: Table): AsyncIterable<readonly CopiedRow[]> {
  const { name, columns, order, batch } = table;
  const selected = Object.entries(columns).map(([column, kind]) => (kind === "json" ? `${column}::text` : column));
  await query(`DECLARE rows CURSOR FOR SELECT ${selected.join(", ")} FROM ${name} ORDER BY ${order.postgres}`);
  for (;;) {
    const rows = await query(`FETCH ${batch} FROM rows`);
    if (rows.length === 0) break;
    yield rows.map((row) => fromPostgres(row, table));
  }
  await query("CLOSE rows");
}

/** Adds rows to a table. */
export async function writeTable(query: Query, { name, columns }: Table, rows: readonly CopiedRow[]): Promise<void> {
  const entries = Object.entries(columns);
  const selected = entries.map(([column, kind]) => (kind === "json" ? `${column}::json` : column));
  const typed = entries.map(([column, kind]) => `${column} ${TYPES[kind]}`);
  const written = rows.map((row) =>
    Object.fromEntries(
      entries.map(([column, kind]) => {
        const value = row[column];
        return [column, kind === "text" && typeof value === "string" ? toColumn(value) : value];
      }),
    ),
  );
  await query(
    `INSERT INTO ${name} (${Object.keys(columns).join(", ")})
     SELECT ${selected.join(", ")} FROM json_to_recordset($1) AS row (${typed.join(", ")})`,
    [JSON.stringify(written)],
  );
}

const fromPostgres = (row: Readonly<Record<string, unknown>>, { columns }: Table): CopiedRow =>
  Object.fromEntries(
    Object.entries(columns).map(([column, kind]) => {
      const value = row[column];
      if (kind === "flag") return [column, value === true];
      if (typeof value === "number") return [column, value];
      return [column, typeof value !== "string" ? null : kind === "text" ? fromColumn(value) : value];
    }),
  );
