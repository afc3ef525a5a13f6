import { sanitise } from "../../core/kernel/sanitise.ts";
import {
  BY_AGE,
  type Column,
  cellsOf,
  columnsOf,
  type Look,
  missingOf,
  rowsOf,
  type StreamRow,
  sorted,
  tableLines,
} from "./stream-rows.ts";

const BOLD = "\x1b[1m";
const REVERSE = "\x1b[7m";
const DIM = "\x1b[2m";
const PLAIN = "\x1b[0m";
const HELP = "q quit   ↑ ↓ choose   x end the stream   s S sort   r reverse";

/** What a key asks the outside for. */
export type Asked = { readonly quit: true } | { readonly end: string } | undefined;

/** What `sluice top` shows, and how its keys change that. Knows no terminal and no gateway. */
export class TopView {
  readonly #base: string;
  #look: Look | undefined;
  #rows: readonly StreamRow[] = [];
  /** The name of the column to sort by: at first newest last, as they were opened. */
  #sortedBy = BY_AGE;
  #descending = true;
  /** The chosen stream; by id, so that it stays chosen when rows move. */
  #chosen: string | undefined;
  /** The stream that is to be ended, once that is confirmed. */
  #doomed: StreamRow | undefined;
  #message = "";
  #lostAt: string | undefined;

  constructor(base: string) {
    this.#base = base;
  }

  /** Takes a new look at the streams. */
  seen(look: Look): void {
    if (this.#lostAt !== undefined) this.#message = "the gateway answers again";
    // Rates across a restart would be wrong.
    this.#rows = rowsOf(look, this.#lostAt === undefined ? this.#look : undefined);
    this.#look = look;
    this.#lostAt = undefined;
    this.#forgetGone();
  }

  /** The gateway did not answer. `at`: the time of day, as shown. */
  lost(at: string): void {
    this.#lostAt ??= at;
    this.#rows = [];
    this.#forgetGone();
  }

  /** Shows a sentence until the next key. */
  say(message: string): void {
    this.#message = sanitise(message);
  }

  /** Takes a key. */
  key(key: string): Asked {
    const doomed = this.#doomed;
    this.#doomed = undefined;
    this.#message = "";
    if (doomed) return key === "y" ? { end: doomed.stream } : undefined;
    if (key === "q" || key === "\x03") return { quit: true };
    if (key === "\x1b[A" || key === "k") this.#choose(-1);
    else if (key === "\x1b[B" || key === "j") this.#choose(1);
    else if (key === "s") this.#sortBy(1);
    else if (key === "S") this.#sortBy(-1);
    else if (key === "r") this.#descending = !this.#descending;
    else if (key === "x") this.#doomed = this.#rows.find(({ stream }) => stream === this.#chosen);
    return undefined;
  }

  /** The lines of a terminal of this size, at most `rows` of them. */
  lines(columns: number, rows: number): readonly string[] {
    const all = this.#sorted();
    const at = Math.max(
      0,
      all.findIndex(({ stream }) => stream === this.#chosen),
    );
    const room = Math.max(1, rows - 4);
    // The chosen row stays in sight.
    const from = Math.max(0, Math.min(at - room + 1, all.length - room));
    const shown = all.slice(from, from + room);
    const names = this.#columns;
    const head = names.map(({ name }) => (name === this.#sortedBy ? `${name}${this.#descending ? "↓" : "↑"}` : name));
    const cells = shown.map((row) => cellsOf(row, names));
    const [first = "", ...table] = tableLines([head, ...cells], names, columns);
    return [
      cut(this.#title(), columns),
      cut(this.#status(), columns),
      `${BOLD}${cut(first, columns)}${PLAIN}`,
      ...table.map((line, index) =>
        shown[index]?.stream === this.#chosen ? `${REVERSE}${cut(line, columns)}${PLAIN}` : cut(line, columns),
      ),
      `${DIM}${cut(HELP, columns)}${PLAIN}`,
    ].slice(0, rows);
  }

  #title(): string {
    const rate = this.#rows.reduce((sum, { eventsPerSecond }) => sum + (eventsPerSecond ?? 0), 0);
    const buffered = this.#rows.reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0);
    return `sluice top  ${this.#base}  ${this.#rows.length} streams  ${rate} events/s  ${Math.round(buffered / 1_024)} KiB buffered`;
  }

  #status(): string {
    if (this.#lostAt !== undefined) return `no answer from the gateway since ${this.#lostAt}; trying again`;
    const doomed = this.#doomed;
    if (doomed) return `End ${doomed.stream} of ${sanitise(doomed.caller)}? y ends it, any other key does not`;
    return this.#message || (this.#look ? missingOf(this.#look) : "");
  }

  /** Nobody is asked about a stream that has ended by itself. */
  #forgetGone(): void {
    if (!this.#rows.some(({ stream }) => stream === this.#doomed?.stream)) this.#doomed = undefined;
  }

  #choose(step: number): void {
    const all = this.#sorted();
    const at = all.findIndex(({ stream }) => stream === this.#chosen);
    const next = at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + step));
    this.#chosen = all[next]?.stream;
  }

  get #columns(): readonly Column[] {
    return columnsOf(this.#look ?? { streams: [] });
  }

  #sortBy(step: number): void {
    const names = this.#columns.map(({ name }) => name);
    this.#sortedBy = names.at((names.indexOf(this.#sortedBy) + step) % names.length) ?? BY_AGE;
  }

  #sorted(): readonly StreamRow[] {
    const column = this.#columns.find(({ name }) => name === this.#sortedBy);
    return column ? sorted(this.#rows, column, this.#descending) : this.#rows;
  }
}

const cut = (line: string, columns: number): string => line.slice(0, Math.max(0, columns));
