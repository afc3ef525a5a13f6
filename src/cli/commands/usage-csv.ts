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
 * A report for spreadsheets, RFC 4180 with a header. What is unknown is empty. Names come from clients: a spreadsheet
 * would run one that begins like a formula, so such a name gets an apostrophe in front, as OWASP advises.
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

/** What spreadsheets take for the beginning of a formula, full-width signs included; also behind white space. */
const FORMULA = /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

const quoted = (text: string): string => `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
