import { sanitise } from "../../core/kernel/sanitise.ts";
import type { StreamView } from "../../core/relay/stream-record.ts";

/** A running stream with its rate. */
export interface StreamRow extends StreamView {
  /** Between the last two looks; null at the first one. */
  readonly eventsPerSecond: number | null;
}

/** A look at all running streams, at a reading of the viewer's own monotonic clock in milliseconds. */
export interface Look {
  readonly at: number;
  readonly streams: readonly StreamView[];
}

/** Adds each stream's rate, from what the look before counted; a stream that is new since then counts from 0. */
export function rowsOf({ at, streams }: Look, before: Look | undefined): readonly StreamRow[] {
  const seconds = before ? (at - before.at) / 1_000 : 0;
  const earlier = new Map(before?.streams.map(({ stream, events }) => [stream, events]));
  return streams.map((one) => {
    const events = one.events - (earlier.get(one.stream) ?? 0);
    return { ...one, eventsPerSecond: seconds > 0 ? Math.max(0, Math.round(events / seconds)) : null };
  });
}

/** One column: what it shows, and by what it sorts. */
interface Column {
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

/** The columns in the order in which they are shown. */
export const COLUMNS: readonly Column[] = [
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

/** Sorts by a column, ties by the stream's id, so that rows keep their places. */
export function sorted(rows: readonly StreamRow[], column: number, descending: boolean): readonly StreamRow[] {
  const value = COLUMNS[column]?.value ?? (() => 0);
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === right) return a.stream < b.stream ? -1 : 1;
    return left < right ? -sign : sign;
  });
}

/** The cells of a row, safe for a terminal. */
export const cellsOf = (row: StreamRow): readonly string[] => COLUMNS.map((column) => sanitise(column.text(row)));

/** The table as plain text, a line a stream. */
export function plainTable(rows: readonly StreamRow[]): string {
  const table = [COLUMNS.map(({ name }) => name), ...rows.map(cellsOf)];
  return tableLines(table, Number.POSITIVE_INFINITY)
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** Lines of equal columns, the first of `table` is the head; text columns give way, longest first, to fit the width. */
export function tableLines(table: readonly (readonly string[])[], width: number): readonly string[] {
  const widths = COLUMNS.map((_, at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  const room = width - 2 * (COLUMNS.length - 1);
  for (let excess = widths.reduce((sum, one) => sum + one, 0) - room; excess > 0; excess--) {
    const longest = Math.max(...widths.filter((_, at) => COLUMNS[at]?.isText));
    if (longest <= 4) break;
    const at = widths.findIndex((one, index) => one === longest && COLUMNS[index]?.isText);
    widths[at] = longest - 1;
  }
  return table.map((row) =>
    row
      .map((cell, at) => {
        const cut = cell.length > (widths[at] ?? 0) ? `${cell.slice(0, Math.max(0, (widths[at] ?? 0) - 1))}…` : cell;
        return COLUMNS[at]?.isText ? cut.padEnd(widths[at] ?? 0) : cut.padStart(widths[at] ?? 0);
      })
      .join("  "),
  );
}
