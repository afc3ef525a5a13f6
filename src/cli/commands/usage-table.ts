import type { UsageLine, UsageReport, UsageSums } from "../../core/ledger/ledger.ts";
import { formatNano } from "../../core/usage/cost.ts";

type Field = Exclude<keyof UsageSums, "streams">;

const TOKENS = [
  ["input", "inputTokens"],
  ["output", "outputTokens"],
  ["cache read", "cacheReadTokens"],
  ["cache write", "cacheWriteTokens"],
  ["reasoning", "reasoningTokens"],
] as const satisfies (readonly [string, Field])[];

/** Control characters and the ones that reorder text: names are chosen by clients, and this goes to a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu;
const MAX_NAME = 64;

const number = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 0 });

/** A report for people. `~` stands before a figure that is in part an estimate, `-` where nobody knows. */
export function usageTable({ by, lines, more }: UsageReport): string {
  const head = [by, "streams", ...TOKENS.map(([name]) => name), "cost", "unknown"].map((name) => name.toUpperCase());
  const body = lines.map((line) => cells(nameOf(line), [line]));
  const total = lines.length > 1 ? [cells("total", lines)] : [];
  const table = layOut([head, ...body, ...total]);
  const notes = [
    ...(table.includes("~") ? ["~ in part estimated from what was seen of broken streams"] : []),
    ...(lines.some(({ unknown }) => unknown > 0)
      ? ["unknown: streams that ended with no way to tell their usage"]
      : []),
    ...(more ? ["there are more than these: ask for less, with --since and --until"] : []),
  ];
  return `${table}${notes.length > 0 ? `\n${notes.join("\n")}\n` : ""}`;
}

const nameOf = ({ group }: UsageLine): string =>
  group === null ? "-" : group.replace(UNPRINTABLE, " ").slice(0, MAX_NAME).toWellFormed();

function cells(name: string, lines: readonly UsageLine[]): readonly string[] {
  const figure = (field: Field, form: (value: number) => string): string => {
    const exact = add(lines.map((line) => line.exact[field]));
    const estimated = add(lines.map((line) => line.estimated[field]));
    if (exact === null && estimated === null) return "-";
    return `${estimated === null ? "" : "~"}${form((exact ?? 0) + (estimated ?? 0))}`;
  };
  return [
    name,
    number(add(lines.map(({ streams }) => streams)) ?? 0),
    ...TOKENS.map(([, field]) => figure(field, number)),
    figure("costNano", formatNano),
    number(add(lines.map(({ unknown }) => unknown)) ?? 0),
  ];
}

const add = (values: readonly (number | null)[]): number | null =>
  values.reduce((sum, value) => (value === null ? sum : (sum ?? 0) + value), null);

/** Columns as wide as they must be: names to the left, figures to the right. */
function layOut(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const pad = (cell: string, at: number) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0));
  return rows.map((row) => `${row.map(pad).join("  ").trimEnd()}\n`).join("");
}
