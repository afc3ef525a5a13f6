import { formatNano } from "../usage/cost.ts";
import type { UsageReport, UsageSums } from "./ledger.ts";

/** A report as JSON for programs, with costs as exact decimal strings in the currency of the prices. */
export function usageView({ by, lines, more }: UsageReport) {
  return {
    by,
    lines: lines.map((line) => ({ ...line, exact: sumsView(line.exact), estimated: sumsView(line.estimated) })),
    more,
  };
}

function sumsView({ costNano, ...sums }: UsageSums) {
  return { ...sums, cost: costNano === null ? null : formatNano(costNano) };
}
