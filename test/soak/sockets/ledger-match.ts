import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LEDGER_FILE } from "../../../src/storage/ledger/ledger-database.ts";
import type { Bill } from "../../support/upstreams/billing-upstream.ts";
import type { Figure } from "../report.ts";
import type { Tally } from "./tally.ts";

/** Between the gateway's clock and the upstream's: the row of a call may seem to begin after it. */
const SKEW_MS = 20;

interface Row {
  readonly stream: string;
  readonly face: string;
  readonly caller: string;
  readonly model: string;
  readonly openedAt: number;
  readonly outcome: string | null;
  readonly source: string | null;
  readonly input: number;
  readonly output: number;
  readonly events: number;
  readonly anomalies: string | null;
  /** The calls it was recorded for. */
  readonly bills: (readonly [key: string, bill: Bill])[];
}

/** Reads the ledger, and finds the row of each call of the upstream: a model runs one request at a time. */
function rowsWithBills(directory: string, bills: ReadonlyMap<string, Bill>) {
  using database = new DatabaseSync(join(directory, LEDGER_FILE), { readOnly: true });
  const rows = database
    .prepare(
      `SELECT stream, face, caller, model, opened_at AS openedAt, outcome, source, anomalies,
         coalesce(input_tokens, 0) AS input, coalesce(output_tokens, 0) AS output, coalesce(events, 0) AS events
       FROM streams ORDER BY opened_at`,
    )
    .all()
    .map((row): Row => ({ ...(row as unknown as Omit<Row, "bills">), bills: [] }));
  const ofModel = Map.groupBy(rows, ({ model }) => model);
  const lone = [...bills].filter(([key, bill]) => {
    const row = ofModel.get(bill.model)?.findLast(({ openedAt }) => openedAt <= bill.at + SKEW_MS);
    row?.bills.push([key, bill]);
    return !row;
  });
  return { rows, lone };
}

/** Holds every row of the ledger against what the upstream served, and what clients saw. */
export function matchLedger(
  directory: string,
  bills: ReadonlyMap<string, Bill>,
  tally: Tally,
  cap: { readonly caller: string; readonly tokens: number },
): readonly Figure[] {
  const { rows, lone } = rowsWithBills(directory, bills);
  const billed = rows.filter(({ bills }) => bills.length > 0);
  const none = (name: string, faulty: readonly Row[]): Figure => {
    for (const row of faulty.slice(0, 3)) console.log(`  ${name}: ${JSON.stringify(row)}`);
    return { name, value: faulty.length, unit: "", atMost: 0 };
  };
  const shown = (name: string, value: number): Figure => ({ name, value, unit: "" });
  const billOf = (row: Row) => row.bills[0]?.[1];
  const sum = (of: readonly Row[], figure: (row: Row) => number) => of.reduce((total, row) => total + figure(row), 0);
  const exact = billed.filter(({ source }) => source === "exact");
  const estimated = billed.filter(({ source }) => source === "estimated");
  // A kill may come before the row of an answer that its client has.
  const isRecorded = new Map(
    billed.flatMap((row) => row.bills.map(([key]) => [key, row.outcome === "completed" || row.outcome === "lost"])),
  );
  const error = (name: "input" | "output", of: (bill: Bill | undefined) => number): Figure => {
    const served = sum(estimated, (row) => of(billOf(row)));
    return {
      name: `  their ${name}: error on the whole`,
      value: (100 * (sum(estimated, (row) => row[name]) - served)) / Math.max(1, served),
      unit: "%",
    };
  };
  return [
    { name: "calls of the upstream", value: bills.size, unit: "", atLeast: 1 },
    { name: "  without a row in the ledger", value: lone.length, unit: "", atMost: 0 },
    {
      name: "  asked twice for one answer",
      value: [...bills.values()].filter(({ calls }) => calls > 1).length,
      unit: "",
      atMost: 0,
    },
    shown("rows", rows.length),
    none(
      "rows without an end",
      rows.filter(({ outcome }) => outcome === null),
    ),
    none(
      "rows of two calls",
      billed.filter((row) => row.bills.length > 1 && !row.anomalies?.includes("resent")),
    ),
    none(
      "rows that count what was never asked",
      rows.filter((row) => row.bills.length === 0 && row.outcome !== "lost" && row.input + row.output > 0),
    ),
    none(
      "rows of a call that count nothing",
      billed.filter((row) => row.input === 0 && (billOf(row)?.inputTokens ?? 0) > 0),
    ),
    ...["completed", "failed", "cancelled", "lost"].map((outcome) =>
      shown(`  ${outcome}`, rows.filter((row) => row.outcome === outcome).length),
    ),
    shown("exact rows", exact.length),
    none(
      "  that differ from the bill",
      exact.filter((row) => row.input !== billOf(row)?.inputTokens || row.output !== billOf(row)?.outputTokens),
    ),
    shown(
      "  their tokens",
      sum(exact, ({ input, output }) => input + output),
    ),
    shown("estimated rows", estimated.length),
    error("input", (bill) => bill?.inputTokens ?? 0),
    error("output", (bill) => bill?.outputTokens ?? 0),
    none(
      "completed rows with more or fewer events",
      billed.filter((row) => row.outcome === "completed" && row.events !== billOf(row)?.events),
    ),
    {
      name: "whole answers whose row is neither completed nor lost",
      value: [...tally.whole].filter((key) => isRecorded.get(key) !== true).length,
      unit: "",
      atMost: 0,
    },
    {
      name: "tokens under the cap",
      value: sum(
        rows.filter(({ caller }) => caller === cap.caller),
        ({ input, output }) => input + output,
      ),
      unit: "tokens",
      atLeast: cap.tokens / 2,
      // The one event that reaches a cap is counted too.
      atMost: cap.tokens + 2_000,
    },
  ];
}
