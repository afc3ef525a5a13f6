import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import { makeDirectory } from "../sqlite/data-directory.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { type CopiedRow, FILES, type Table } from "./tables.ts";

/** The databases of a directory, one open at a time. Those that are missing have no rows, and none is made. */
export function* readDirectory(directory: string, table: Table): Iterable<readonly CopiedRow[]> {
  const { name, file, columns, order, batch } = table;
  if (!existsSync(join(directory, file.name))) return;
  let database: DatabaseSync | undefined;
  try {
    database = openDatabase(directory, file.name, file.steps);
    const select = `SELECT ${Object.keys(columns).join(", ")} FROM ${name} ORDER BY ${order.sqlite}`;
    let rows: CopiedRow[] = [];
    for (const row of database.prepare(select).iterate()) {
      rows.push(fromSqlite(row, table));
      if (rows.length < batch) continue;
      yield rows;
      rows = [];
    }
    if (rows.length > 0) yield rows;
  } catch (cause) {
    throw unusable(directory, cause);
  } finally {
    database?.close();
  }
}

/** Whether a directory holds databases. */
export const hasData = (directory: string): boolean => FILES.some(({ name }) => existsSync(join(directory, name)));

/** What a directory inside it is called where the databases are filled. */
const BUILDING = ".migrating-";

/** A data directory that is being filled: nothing is in its place before `finish`. */
export class NewDirectory {
  readonly #directory: string;
  readonly #building: string;
  readonly #databases: ReadonlyMap<string, DatabaseSync>;

  /** Throws when there is something in the directory, other than what one left there that was interrupted. */
  constructor(directory: string) {
    // Locks are of gateways that have ended; the claim has looked.
    const found = existsSync(directory) ? readdirSync(directory).filter((name) => !name.endsWith(".lock")) : [];
    const broken = found.filter((name) => name.startsWith(BUILDING));
    if (found.length > broken.length) {
      const how = broken.length > 0 ? "holds a part of a migration that was interrupted" : "is not empty";
      throw new Error(`the directory ${directory} ${how}: name a new one with --data`);
    }
    for (const name of broken) rmSync(join(directory, name), { recursive: true });
    this.#directory = directory;
    this.#building = join(directory, `${BUILDING}${randomUUID()}`);
    makeDirectory(this.#building);
    this.#databases = new Map(FILES.map(({ name, steps }) => [name, openDatabase(this.#building, name, steps)]));
    for (const database of this.#databases.values()) database.exec("BEGIN IMMEDIATE");
  }

  write({ name, file, columns }: Table, rows: readonly CopiedRow[]): void {
    const names = Object.keys(columns);
    const insert = `INSERT INTO ${name} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
    const statement = this.#databases.get(file.name)?.prepare(insert);
    try {
      for (const row of rows) statement?.run(...names.map((column) => toSqlite(row[column])));
    } catch (cause) {
      throw unusable(this.#directory, cause);
    }
  }

  /** Puts the databases into their place. */
  finish(): void {
    for (const database of this.#databases.values()) {
      database.exec("COMMIT");
      database.close();
    }
    for (const { name } of FILES) renameSync(join(this.#building, name), join(this.#directory, name));
    rmSync(this.#building, { recursive: true });
  }

  /** Leaves nothing behind. */
  abandon(): void {
    for (const database of this.#databases.values()) if (database.isOpen) database.close();
    for (const { name } of FILES) rmSync(join(this.#directory, name), { force: true });
    rmSync(this.#building, { recursive: true, force: true });
  }
}

/** SQLite's description of its result code: an error's message could quote a row. */
function unusable(directory: string, cause: unknown): GatewayError {
  const reason = isNativeError(cause) ? ("errstr" in cause ? String(cause.errstr) : cause.message) : String(cause);
  return new GatewayError("store_unavailable", `the data directory ${directory} cannot be used: ${reason}`, { cause });
}

const fromSqlite = (row: Record<string, SQLOutputValue>, { columns }: Table): CopiedRow =>
  Object.fromEntries(
    Object.entries(columns).map(([name, kind]) => {
      const value = row[name] ?? null;
      if (kind === "flag") return [name, value === 1];
      return [name, typeof value === "number" || value === null ? value : String(value)];
    }),
  );

const toSqlite = (value: CopiedRow[string] | undefined): string | number | null =>
  typeof value === "boolean" ? Number(value) : (value ?? null);
