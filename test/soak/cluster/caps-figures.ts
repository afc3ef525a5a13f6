import type { BillsFound } from "../../support/cluster/check-bills.ts";
import type { Figure } from "../report.ts";

/** Within this time after the last stream nothing is held any more, in milliseconds. */
export const FREE_MS = 10_000;

/** The figures of every trial of caps about the ledger and the upstream's own count. `kills`: nodes were killed. Prints the first faults. */
export function billFigures(found: BillsFound, kills = false): readonly Figure[] {
  const { exact, estimated, died, missing, wrong, guessed, strayCalls } = found;
  for (const lines of [missing, wrong, guessed, strayCalls])
    for (const line of lines.slice(0, 8)) console.log(`  ${line}`);
  const none = { unit: "", atMost: 0 };
  return [
    { name: "streams with exact usage", value: exact.rows, unit: "", atLeast: 1 },
    { name: "  their tokens in the ledger", value: exact.ledger, unit: "tokens", atLeast: 1 },
    {
      name: "  the ledger's less the upstream's own count",
      value: exact.ledger - exact.upstream,
      ...{ unit: "tokens", atLeast: 0, atMost: 0 },
    },
    { name: "  rows that differ from the upstream's count", value: wrong.length, ...none },
    { name: "streams that were cut, or whose node died", value: estimated.rows, unit: "" },
    {
      name: "  the ledger's less the upstream's own count",
      value: estimated.ledger - estimated.upstream,
      unit: "tokens",
    },
    { name: "streams whose row died with their node", value: died, unit: "", ...(!kills && { atMost: 0 }) },
    { name: "accepted streams without exactly one row", value: missing.length, ...none },
    { name: "completed streams with a guess", value: guessed.length, ...none },
    { name: "calls for refused requests, second calls", value: strayCalls.length, ...none },
  ];
}
