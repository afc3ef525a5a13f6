import { oneByOne, type Service } from "../sqlite/service.ts";
import { LedgerQueries } from "./ledger-queries.ts";

/** What the service offers. */
export type LedgerQuestions = Pick<LedgerQueries, "usage" | "cells">;

/** Answers questions about the ledger in a directory. Throws when there is none. */
export function open(directory: string): Service<LedgerQuestions> {
  const queries = LedgerQueries.open(directory);
  if (!queries) throw new Error("there is no ledger");
  return { answer: oneByOne<LedgerQuestions>(queries), close: () => queries[Symbol.dispose]() };
}
