import type { Spent } from "../../core/ledger/ledger.ts";
import { holdLock, liveInstances } from "../sqlite/instance-lock.ts";
import { oneByOne, type Service } from "../sqlite/service.ts";
import { LedgerDatabase } from "./ledger-database.ts";
import { LedgerQueries } from "./ledger-queries.ts";
import type { LedgerWrite } from "./ledger-rows.ts";
import type { LeftRow } from "./stored-ledger.ts";

/** What `open` gets. */
export interface LedgerServiceOptions {
  readonly directory: string;
  /** Identifies this run of the gateway. */
  readonly instance: string;
  /** How long closed rows are kept. */
  readonly retentionMs: number;
  /** How long a statement waits for another process. */
  readonly busyMs: number;
}

/** What the service offers. */
export interface LedgerOperations {
  /** Commits rows together and returns how many the tables refused. Throws SQLite's name for what went wrong. */
  write(rows: readonly LedgerWrite[]): number;
  /** The dead runs that left rows open. */
  dead(): readonly string[];
  /** The rows that one run left open. */
  leftBy(instance: string): readonly LeftRow[];
  /** Closes the rows that one run left open, with what is known of them, and returns how many. */
  settle(instance: string, known: readonly LedgerWrite[]): number;
  /** Deletes some of the rows past their retention, and returns whether there may be more. */
  prune(): boolean;
  /** What each key spent since `wallMs`, but for these streams. */
  spentSince(wallMs: number, except: readonly string[]): readonly Spent[];
}

/** Writes the ledger in a directory. */
export function open({ directory, instance, retentionMs, busyMs }: LedgerServiceOptions): Service<LedgerOperations> {
  const database = new LedgerDatabase(directory, { instance, busyMs });
  const queries = new LedgerQueries(database.connection);
  const lock = holdLock(directory, "ledger", instance);

  /** A run whose lock cannot be checked may be alive, so its rows stay open. */
  const living = (): ReadonlySet<string> => {
    const { held, unclear } = liveInstances(directory, "ledger");
    return new Set([...held, ...unclear]);
  };
  return {
    answer: oneByOne<LedgerOperations>({
      write(rows) {
        try {
          return database.write(rows);
        } catch (error) {
          throw new Error(reasonOf(error));
        }
      },
      dead: () => database.dead(living),
      leftBy: (instance) => database.leftBy(instance),
      settle: (instance, known) => database.settle(instance, Date.now(), known),
      prune: () => database.prune(Date.now() - retentionMs),
      spentSince: (wallMs, except) => queries.spentSince(wallMs, except),
    }),
    close() {
      database.close();
      lock.close();
    },
  };
}

/** SQLite's description of its result code: the error's message could quote a row. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "an unknown failure";
  return "errstr" in error ? String(error.errstr) : error.name;
}
