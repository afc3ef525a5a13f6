import { formatNano } from "../usage/cost.ts";
import type { UsageReport, UsageSums } from "./ledger.ts";

/** A report as programs get it: costs as decimals of the price's currency, which lose nothing. */
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
