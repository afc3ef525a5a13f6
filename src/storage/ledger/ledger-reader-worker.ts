/** The thread that answers one question about the ledger. */
import { workerData } from "node:worker_threads";
import { oneByOne, serve } from "../sqlite/worker-program.ts";
import { LedgerQueries } from "./ledger-queries.ts";

/** What the thread offers. */
export type LedgerQuestions = Pick<LedgerQueries, "usage" | "cells" | "spentSince">;

const queries = LedgerQueries.open(String(workerData));
if (!queries) throw new Error("there is no ledger");
serve<LedgerQuestions>({ answer: oneByOne<LedgerQuestions>(queries), close: () => queries[Symbol.dispose]() });
