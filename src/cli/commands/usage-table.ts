import type { UsageLine, UsageReport, UsageSums } from "../../core/ledger/ledger.ts";
import { formatNano } from "../../core/usage/cost.ts";
import { layOut } from "./lay-out.ts";

type Field = Exclude<keyof UsageSums, "streams">;

const TOKENS = [
  ["input", "inputTokens"],
  ["output", "outputTokens"],
  ["cache read", "cacheReadTokens"],
  ["cache write", "cacheWriteTokens"],
  ["reasoning", "reasoningTokens"],
] as const satisfies (readonly [string, Field])[];

/** Control and text-direction characters: clients choose the names, and the table goes to a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu;
const MAX_NAME = 64;

const number = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 0 });

/** A readable report. `~` marks a figure that is partly an estimate, `-` an unknown one. */
export function usageTable({ by, lines, more }: UsageReport): string {
  const head = [by, "streams", ...TOKENS.map(([name]) => name), "cost", "unknown"].map((name) => name.toUpperCase());
  const body = lines.map((line) => cells(nameOf(line), [line]));
  const total = lines.length > 1 ? [cells("total", lines)] : [];
  const table = layOut([head, ...body, ...total]);
  const notes = [
    ...(table.includes("~") ? ["~ partly estimated, from what was relayed of broken streams"] : []),
    ...(lines.some(({ unknown }) => unknown > 0) ? ["unknown: streams whose usage could not be determined"] : []),
    ...(more ? ["there are more lines: narrow the report with --since and --until"] : []),
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
