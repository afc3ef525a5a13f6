import type { ByteString } from "../kernel/byte-string.ts";
import { type LogBudget, REFUSE_AT } from "./budget.ts";

/** One event of the upstream, numbered. */
export interface Entry {
  readonly seq: number;
  /** The upstream's event name, when it sent one. */
  readonly event: ByteString | undefined;
  /** The data as it came: JSON text, or any text when `raw`. */
  readonly data: ByteString;
  readonly raw: boolean;
  /** Whether there is something in it that a person would see. */
  readonly hasContent: boolean;
}

export interface LogLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** What an entry costs besides its data: the objects around it. */
const ENTRY_OVERHEAD = 128;

/** What every log may hold even when there is no memory left: streams slow down then, they don't stop. */
const SHARE_UNDER_PRESSURE = 8 * 1024;

/** What an entry counts in the limits of a log and of a window. */
export const entryBytes = (entry: Entry): number => entry.data.length + (entry.event?.length ?? 0) + ENTRY_OVERHEAD;

/**
 * The bounded, numbered record of one stream. It never drops an entry by itself: `isFull` asks the owner to stop the
 * upstream, `trim` gives up what every reader has passed.
 */
export class StreamLog {
  readonly #limits: LogLimits;
  readonly #budget: LogBudget | undefined;
  #entries: (Entry | undefined)[] = [];
  /** Entries before this index are trimmed; the array is compacted when half of it is. */
  #start = 0;
  #tail = 0;
  #bytes = 0;
  #head = 0;

  constructor(limits: LogLimits, budget?: LogBudget) {
    this.#limits = limits;
    this.#budget = budget;
  }

  /** Sequence of the newest entry, 0 when there is none. */
  get head(): number {
    return this.#head;
  }

  /** Sequence before the oldest entry that can still be read. */
  get tail(): number {
    return this.#tail;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Full, or all logs together so large that what nobody needs should go. */
  get isCrowded(): boolean {
    return this.isFull || this.#budget?.isOver(REFUSE_AT) === true;
  }

  /** Over its own limits; or over a small share while all logs together are over theirs. */
  get isFull(): boolean {
    if (this.#bytes >= this.#limits.maxBytes || this.#head - this.#tail >= this.#limits.maxEntries) return true;
    return this.#bytes >= SHARE_UNDER_PRESSURE && this.#budget?.isOver(1) === true;
  }

  append(event: ByteString | undefined, data: ByteString, raw: boolean, hasContent = false): Entry {
    const entry = { seq: ++this.#head, event, data, raw, hasContent };
    this.#entries.push(entry);
    const bytes = entryBytes(entry);
    this.#bytes += bytes;
    this.#budget?.grow(bytes);
    return entry;
  }

  /** The entry with this sequence, undefined when it is trimmed or not written yet. */
  at(seq: number): Entry | undefined {
    return seq <= this.#tail ? undefined : this.#entries[this.#start + seq - this.#tail - 1];
  }

  /** Gives up the oldest entries up to and including `seq`, but only while the log is crowded. */
  trimTo(seq: number): void {
    while (this.isCrowded && this.#tail < seq) this.#dropOldest();
    if (this.#start > 64 && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Gives up everything: the log is read no more, or its memory is needed elsewhere. */
  evict(): void {
    this.#budget?.shrink(this.#bytes);
    this.#entries = [];
    this.#start = 0;
    this.#bytes = 0;
    this.#tail = this.#head;
  }

  #dropOldest(): void {
    const entry = this.#entries[this.#start];
    this.#entries[this.#start++] = undefined;
    this.#tail++;
    if (!entry) return;
    const bytes = entryBytes(entry);
    this.#bytes -= bytes;
    this.#budget?.shrink(bytes);
  }
}
