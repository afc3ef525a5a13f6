import type { UsageReport, UsageSums } from "../../core/ledger/ledger.ts";
import { usageView } from "../../core/ledger/usage-view.ts";

type Sums = ReturnType<typeof usageView>["lines"][number]["exact"];

const COUNTS = ["streams", "completed", "failed", "cancelled", "lost", "open", "unknown"] as const;
const SUMS = [
  "streams",
  "inputTokens",
  "outputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "reasoningTokens",
  "cost",
] as const satisfies (keyof UsageSums | "cost")[];

/**
 * A report as CSV (RFC 4180) with a header. Unknown values are empty. Names come from clients, and a spreadsheet would
 * run one that begins like a formula, so such a name gets a leading apostrophe, as OWASP recommends.
 */
export function usageCsv(report: UsageReport): string {
  const { by, lines } = usageView(report);
  const header = [by, ...COUNTS, ...headers("exact"), ...headers("estimated")];
  const rows = lines.map((line) => [
    line.group === null ? "" : quoted(line.group),
    ...COUNTS.map((name) => String(line[name])),
    ...figures(line.exact),
    ...figures(line.estimated),
  ]);
  return [header, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

const headers = (source: string): string[] => SUMS.map((name) => `${source}_${name}`);
const figures = (sums: Sums): string[] => SUMS.map((name) => (sums[name] === null ? "" : String(sums[name])));

/** What spreadsheets take for the start of a formula, full-width signs (= + - @) and leading white space included. */
const FORMULA = /^[\s\p{Cc}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u;

const quoted = (text: string): string => `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
