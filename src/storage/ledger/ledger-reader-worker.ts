/** The thread of one question to the ledger. */
import { parentPort, workerData } from "node:worker_threads";
import type { CellsQuery } from "../../core/ledger/usage-cells.ts";
import type { UsageQuery } from "../../core/ledger/usage-query.ts";
import { LedgerQueries } from "./ledger-queries.ts";

export type LedgerQuestion =
  | { readonly name: "usage"; readonly query: UsageQuery }
  | { readonly name: "cells"; readonly query: CellsQuery }
  | { readonly name: "spentSince"; readonly wallMs: number };

const { directory, question } = workerData as { readonly directory: string; readonly question: LedgerQuestion };
using queries = LedgerQueries.open(directory);
if (!queries) throw new Error("there is no ledger");
parentPort?.postMessage(answer(queries, question));

function answer(ledger: LedgerQueries, asked: LedgerQuestion) {
  switch (asked.name) {
    case "usage":
      return ledger.usage(asked.query);
    case "cells":
      return ledger.cells(asked.query);
    case "spentSince":
      return ledger.spentSince(asked.wallMs);
  }
}
