import { pairs } from "./pretty-line.ts";

/** How much is kept: enough for a page of the Control UI, and no burden on memory. */
const MAX_BYTES = 1024 * 1024;
const MAX_LINES = 5_000;

/** Which lines to read. */
export interface TailRequest {
  /** The cursor of an earlier result; undefined for the newest lines. */
  readonly cursor?: number | undefined;
  readonly limit: number;
  readonly maxBytes: number;
}

/** Lines of the log, oldest first. */
export interface TailResult {
  /** Where to continue. */
  readonly cursor: number;
  readonly size: number;
  readonly lines: readonly string[];
  /** There were more lines than requested, or than are kept. */
  readonly truncated?: true;
  /** The cursor belongs to another log or to discarded lines, so these lines do not continue from it. */
  readonly reset?: true;
  readonly skippedBytes?: number;
}

/**
 * The newest lines of the log, in memory. Writing costs a push; formatting happens on a read. Cursors count characters
 * from the microsecond of the start by the wall clock: no process writes a megabyte a second for long, so that a cursor of
 * an earlier one is not valid here.
 */
export class LogTail {
  readonly #lines: string[] = [];
  /** Index of the oldest line kept; those before it are removed in batches. */
  #first = 0;
  #start: number;
  #end: number;

  /** `origin` is the wall clock in milliseconds. */
  constructor(origin: number) {
    this.#start = Math.round(origin * 1_000);
    this.#end = this.#start;
  }

  /** Keeps a JSON line. */
  write(line: string): void {
    this.#lines.push(line);
    this.#end += line.length;
    while (this.#end - this.#start > MAX_BYTES || this.#lines.length - this.#first > MAX_LINES) {
      this.#start += this.#lines[this.#first]?.length ?? 0;
      this.#first++;
    }
    if (this.#first < MAX_LINES) return;
    this.#lines.splice(0, this.#first);
    this.#first = 0;
  }

  /** The lines since the cursor, at most `limit` and about `maxBytes` of the newest. */
  read({ cursor, limit, maxBytes }: TailRequest): TailResult {
    const known = cursor !== undefined && cursor >= this.#start && cursor <= this.#end;
    const from = known ? cursor : this.#start;
    const lines: string[] = [];
    let at = this.#end;
    for (let index = this.#lines.length - 1; index >= this.#first; index--) {
      const line = this.#lines[index] ?? "";
      const before = at - line.length;
      if (before < from || lines.length === limit || this.#end - before > maxBytes) break;
      lines.push(readable(line));
      at = before;
    }
    const skippedBytes = cursor === undefined ? 0 : at - from;
    return {
      cursor: this.#end,
      size: this.#end,
      lines: lines.reverse(),
      ...(at > from && { truncated: true }),
      ...(cursor !== undefined && (!known || skippedBytes > 0) && { reset: true }),
      ...(skippedBytes > 0 && { skippedBytes }),
    };
  }
}

/** Adds the two fields that viewers of OpenClaw's logs show: `subsystem` and `message`. */
function readable(line: string): string {
  const { level, time, event, ...fields } = JSON.parse(line);
  const message = [event, ...pairs(fields, "")].join(" ");
  return JSON.stringify({ time, level, subsystem: `sluice/${event}`, message, event, ...fields });
}
