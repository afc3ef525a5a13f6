import { GatewayError } from "../core/errors.ts";
import { IN_MEMORY, LedgerDatabase } from "./ledger-database.ts";
import { LedgerQueries } from "./ledger-queries.ts";
import { closingWrite, openingWrite } from "./ledger-rows.ts";
import type { StoredLedger } from "./sqlite-ledger.ts";

/** Streams it remembers: some 400 bytes each. */
const MAX_STREAMS = 20_000;

/** The same tables in memory, on the event loop: no disk, no thread, some microseconds a row. Gone with the process. */
export function createMemoryLedger(maxStreams: number = MAX_STREAMS): StoredLedger {
  const database = new LedgerDatabase(IN_MEMORY, { instance: "memory", busyMs: 0 });
  const queries = new LedgerQueries(database.connection);
  const forget = database.connection.prepare(
    "DELETE FROM streams WHERE rowid <= (SELECT max(rowid) FROM streams) - ? AND outcome IS NOT NULL",
  );
  let stopped = false;
  return {
    open(row) {
      if (stopped) throw new GatewayError("ledger_unavailable", "the ledger is closed");
      database.write([openingWrite(row)]);
      forget.run(maxStreams);
      return undefined;
    },
    close(row) {
      if (!stopped) database.write([closingWrite(row)]);
    },
    available: true,
    waitingRows: 0,
    usage: async (query) => queries.usage(query),
    cells: async (query) => queries.cells(query),
    spentSince: async (wallMs) => queries.spentSince(wallMs),
    async stop() {
      if (!stopped) database.close();
      stopped = true;
    },
  };
}

/** No record at all: for gateways whose bill nobody reads. */
export const NO_LEDGER: StoredLedger = {
  open: () => undefined,
  close() {},
  available: true,
  waitingRows: 0,
  usage: async ({ by }) => ({ by, lines: [], more: false }),
  cells: async () => ({ cells: [], latencies: [] }),
  spentSince: async () => [],
  async stop() {},
};
