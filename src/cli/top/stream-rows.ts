import { sanitise } from "../../core/kernel/sanitise.ts";
import type { StreamList, StreamView } from "../../core/running/stream-view.ts";

/** A running stream with its rate. */
export interface StreamRow extends StreamView {
  /** Between the last two looks; null at the first one. */
  readonly eventsPerSecond: number | null;
}

/** A look at all running streams, at a reading of the viewer's own monotonic clock in milliseconds. */
export interface Look extends StreamList {
  readonly at: number;
}

/**
 * Adds each stream's rate, from what the look before counted; a stream that is new since then counts from 0, if that look can
 * have missed none that ran.
 */
export function rowsOf({ at, streams }: Look, before: Look | undefined): readonly StreamRow[] {
  const seconds = before ? (at - before.at) / 1_000 : 0;
  const earlier = new Map(before?.streams.map(({ stream, events }) => [stream, events]));
  const unseen = before && missingOf(before) !== "" ? undefined : 0;
  return streams.map((one) => {
    const counted = earlier.get(one.stream) ?? unseen;
    if (counted === undefined || seconds <= 0) return { ...one, eventsPerSecond: null };
    return { ...one, eventsPerSecond: Math.max(0, Math.round((one.events - counted) / seconds)) };
  });
}

/** What a look lacks, as a sentence; empty if nothing. */
export function missingOf({ silent = [], unasked = 0, unlisted = 0 }: StreamList): string {
  const missing = [
    ...(silent.length > 0 ? [`no answer from ${silent.join(", ")}`] : []),
    ...(unasked > 0 ? [`other nodes not asked, because Redis does not answer: ${unasked}`] : []),
    ...(unlisted > 0 ? [`more streams than other nodes tell: ${unlisted}`] : []),
  ];
  return sanitise(missing.join("; "));
}

/** One column: what it shows, and by what it sorts. */
export interface Column {
  readonly name: string;
  readonly isText?: true;
  readonly text: (row: StreamRow) => string;
  readonly value: (row: StreamRow) => string | number;
}

/** `812`, `118K`, `1.5M`. */
function bytes(count: number): string {
  if (count < 1_024) return String(count);
  if (count < 1_048_576) return `${Math.round(count / 1_024)}K`;
  return `${(count / 1_048_576).toFixed(1)}M`;
}

/** `6s`, `2m5s`, `1h30m`. */
function age(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  if (seconds < 60) return `${seconds}s`;
  if (minutes < 60) return `${minutes}m${seconds % 60}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

const target = ({ route, upstreamModel }: StreamRow) => (upstreamModel === null ? route : `${route}/${upstreamModel}`);
const state = ({ readers, pausedMs, firstSentMs }: StreamRow): string => {
  if (readers === 0) return "parked";
  if (pausedMs > 0) return `stalled ${age(pausedMs)}`;
  return firstSentMs === null ? "waiting" : "running";
};
const text = (name: string, of: (row: StreamRow) => string): Column => ({ name, isText: true, text: of, value: of });
const figure = (
  name: string,
  value: (row: StreamRow) => number | null,
  show: (value: number) => string = String,
): Column => ({
  name,
  text: (row) => (value(row) === null ? "-" : show(value(row) ?? 0)),
  value: (row) => value(row) ?? -1,
});

/** The columns of one gateway in the order in which they are shown. */
const COLUMNS: readonly Column[] = [
  text("CALLER", ({ caller }) => caller),
  text("MODEL", ({ model }) => model ?? "-"),
  text("TARGET", target),
  text("FACE", ({ face }) => face),
  text("STATE", state),
  figure(
    "FIRST",
    ({ firstSentMs }) => firstSentMs,
    (ms) => `${ms} ms`,
  ),
  figure("EV/S", ({ eventsPerSecond }) => eventsPerSecond),
  figure("EVENTS", ({ events }) => events),
  figure("BUFFER", ({ bufferedBytes }) => bufferedBytes, bytes),
  figure("AGE", ({ ageMs }) => ageMs, age),
];

const IN_CLUSTER: readonly Column[] = [text("NODE", ({ node }) => node ?? "-"), ...COLUMNS];

/** The columns of this look: a cluster's has one more. */
export const columnsOf = ({ node }: StreamList): readonly Column[] => (node === undefined ? COLUMNS : IN_CLUSTER);

/** The column by which rows are sorted at first. */
export const BY_AGE = "AGE";

/** Sorts by a column, ties by the stream's id, so that rows keep their places. */
export function sorted(
  rows: readonly StreamRow[],
  { value }: Pick<Column, "value">,
  descending: boolean,
): readonly StreamRow[] {
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === right) return a.stream < b.stream ? -1 : 1;
    return left < right ? -sign : sign;
  });
}

/** The cells of a row, safe for a terminal. */
export const cellsOf = (row: StreamRow, columns: readonly Column[]): readonly string[] =>
  columns.map((column) => sanitise(column.text(row)));

/** The table as plain text, a line a stream. */
export function plainTable(rows: readonly StreamRow[], columns: readonly Column[]): string {
  const table = [columns.map(({ name }) => name), ...rows.map((row) => cellsOf(row, columns))];
  return tableLines(table, columns, Number.POSITIVE_INFINITY)
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** Lines of equal columns, the first of `table` is the head; text columns give way, longest first, to fit the width. */
export function tableLines(
  table: readonly (readonly string[])[],
  columns: readonly Pick<Column, "isText">[],
  width: number,
): readonly string[] {
  const widths = columns.map((_, at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  const room = width - 2 * (columns.length - 1);
  for (let excess = widths.reduce((sum, one) => sum + one, 0) - room; excess > 0; excess--) {
    const longest = Math.max(...widths.filter((_, at) => columns[at]?.isText));
    if (longest <= 4) break;
    const at = widths.findIndex((one, index) => one === longest && columns[index]?.isText);
    widths[at] = longest - 1;
  }
  return table.map((row) =>
    row
      .map((cell, at) => {
        const cut = cell.length > (widths[at] ?? 0) ? `${cell.slice(0, Math.max(0, (widths[at] ?? 0) - 1))}…` : cell;
        return columns[at]?.isText ? cut.padEnd(widths[at] ?? 0) : cut.padStart(widths[at] ?? 0);
      })
      .join("  "),
  );
}
