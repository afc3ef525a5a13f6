/** The thread of one question to the ledger. */
import { parentPort, workerData } from "node:worker_threads";
import type { UsageQuery } from "../core/usage-query.ts";
import { LedgerQueries } from "./ledger-queries.ts";

export type LedgerQuestion =
  | { readonly name: "usage"; readonly query: UsageQuery }
  | { readonly name: "spentSince"; readonly wallMs: number };

const { directory, question } = workerData as { readonly directory: string; readonly question: LedgerQuestion };
using queries = LedgerQueries.open(directory);
if (!queries) throw new Error("there is no ledger");
parentPort?.postMessage(
  question.name === "usage" ? queries.usage(question.query) : queries.spentSince(question.wallMs),
);
