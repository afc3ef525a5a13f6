import { pairs } from "./pretty-line.ts";

/** What is kept: enough for a page of the Control UI, small enough to forget. */
const MAX_BYTES = 1024 * 1024;
const MAX_LINES = 5_000;

export interface TailRequest {
  /** Where an earlier answer ended; undefined for the newest lines. */
  readonly cursor?: number | undefined;
  readonly limit: number;
  readonly maxBytes: number;
}

export interface TailAnswer {
  readonly cursor: number;
  readonly size: number;
  readonly lines: readonly string[];
  /** There was more than was asked for, or than is kept. */
  readonly truncated?: true;
  /** The cursor is of another log, or of lines that are gone: the lines do not continue what its owner has. */
  readonly reset?: true;
  readonly skippedBytes?: number;
}

/**
 * The newest lines of the log, in memory. To keep one costs a push; what it takes to show lines is done when somebody
 * asks. Positions count characters from the wall clock's reading at the start, so that those of an earlier process are
 * never taken for this one's.
 */
export class LogTail {
  readonly #lines: string[] = [];
  /** Index of the oldest line that is kept; those before it are cut off now and then. */
  #first = 0;
  #start: number;
  #end: number;

  /** `origin` is a wall clock in milliseconds. */
  constructor(origin: number) {
    this.#start = Math.round(origin);
    this.#end = this.#start;
  }

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

  read({ cursor, limit, maxBytes }: TailRequest): TailAnswer {
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

/** A line with the two fields that viewers of OpenClaw's logs show: what it is about, and what it says. */
function readable(line: string): string {
  const { level, time, event, ...fields } = JSON.parse(line);
  const message = [event, ...pairs(fields, "")].join(" ");
  return JSON.stringify({ time, level, subsystem: `sluice/${event}`, message, event, ...fields });
}
