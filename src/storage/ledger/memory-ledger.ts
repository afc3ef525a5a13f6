import { GatewayError } from "../../core/kernel/errors.ts";
import { IN_MEMORY, LedgerDatabase } from "./ledger-database.ts";
import { LedgerQueries } from "./ledger-queries.ts";
import { closingWrite, type LedgerWrite, openingWrite } from "./ledger-rows.ts";
import type { StoredLedger } from "./stored-ledger.ts";

/** How long rows gather before they are written together, as in the stored ledger. */
const GATHER_MS = 20;
/** Streams it remembers, about 400 bytes each. */
const MAX_STREAMS = 20_000;

/** The same tables in memory, on the event loop: microseconds a row, and lost when the process ends. */
export function createMemoryLedger(maxStreams: number = MAX_STREAMS): StoredLedger {
  const database = new LedgerDatabase(IN_MEMORY, { instance: "memory", busyMs: 0 });
  const queries = new LedgerQueries(database.connection);
  const forget = database.connection.prepare(
    "DELETE FROM streams WHERE rowid <= (SELECT max(rowid) FROM streams) - ? AND outcome IS NOT NULL",
  );
  let waiting: (() => LedgerWrite)[] = [];
  let stopped = false;
  const commit = () => {
    if (waiting.length === 0 || stopped) return;
    database.write(waiting.map((write) => write()));
    forget.run(maxStreams);
    waiting = [];
  };
  // Writing a row takes longer than everything else before the upstream call, so the client does not wait for it.
  const gather = (write: () => LedgerWrite) => {
    if (waiting.push(write) === 1) setTimeout(commit, GATHER_MS).unref();
  };
  const committed = () => {
    commit();
    return queries;
  };
  return {
    open(row) {
      if (stopped) throw new GatewayError("ledger_unavailable", "the ledger is closed");
      gather(() => openingWrite(row));
      return undefined;
    },
    close(row) {
      if (!stopped) gather(() => closingWrite(row));
    },
    available: true,
    get waitingRows() {
      return waiting.length;
    },
    usage: async (query) => committed().usage(query),
    cells: async (query) => committed().cells(query),
    spentSince: async (wallMs, except = []) => committed().spentSince(wallMs, except),
    // No other run can have left any.
    settle: async () => 0,
    async stop() {
      commit();
      if (!stopped) database.close();
      stopped = true;
    },
  };
}

/** Records nothing: `ledger.mode: off`. */
export const NO_LEDGER: StoredLedger = {
  open: () => undefined,
  close() {},
  available: true,
  waitingRows: 0,
  usage: async ({ by }) => ({ by, lines: [], more: false }),
  cells: async () => ({ cells: [], latencies: [] }),
  spentSince: async () => [],
  settle: async () => 0,
  async stop() {},
};
