import { type ByteString, copyOf } from "../kernel/byte-string.ts";
import { LogData } from "../log/log-data.ts";
import { Numbered } from "../log/numbered.ts";
import { type LogBudget, REFUSE_AT } from "./log-budget.ts";

/** A numbered event of an upstream. */
export interface Entry {
  readonly seq: number;
  /** The event's name, if the upstream sent one. */
  readonly event: ByteString | undefined;
  /** The data as received: JSON, or any text if `raw`. */
  readonly data: ByteString;
  readonly raw: boolean;
  /** Whether it contains text, thinking or tool calls. */
  readonly hasContent: boolean;
}

/** What an entry says beside its data. Neighbours of the same kind share one. */
type Kind = Pick<Entry, "event" | "raw" | "hasContent">;

/** The most one log may hold. */
export interface LogLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** The memory of an entry's objects, in bytes. */
const ENTRY_OVERHEAD = 128;

/** What each log may hold even if all logs exceed their budget, in bytes: streams slow down then, but do not stop. */
const SHARE_UNDER_PRESSURE = 8 * 1024;

/** The share of its limits that a full log keeps when it is trimmed: a little at once costs less than an entry with each that comes. */
const KEPT_SHARE = 0.9;

/** The size of an entry as logs, windows and the budget count it, in bytes. */
export const entryBytes = ({ data, event }: Pick<Entry, "data" | "event">): number => sizeOf(data.length, event);

const sizeOf = (dataBytes: number, event: ByteString | undefined): number =>
  dataBytes + (event?.length ?? 0) + ENTRY_OVERHEAD;

/**
 * The bounded, numbered record of one stream. It never drops an entry on its own: while `isFull`, its owner pauses the
 * upstream; `trimTo` drops what every reader has handled.
 */
export class StreamLog {
  readonly #limits: LogLimits;
  readonly #budget: LogBudget | undefined;
  readonly #data: LogData;
  /** The entries' kinds, beside their data: an object for each entry would cost more to collect than to build again. */
  readonly #kinds: Numbered<Kind>;
  /** The kind of the newest entry. */
  #kind: Kind = { event: undefined, raw: false, hasContent: false };
  #tail: number;
  #bytes = 0;
  #head: number;
  #preface: ByteString = "";

  /** `after`: the sequence before the first entry. */
  constructor(limits: LogLimits, budget?: LogBudget, after = 0) {
    this.#limits = limits;
    this.#budget = budget;
    this.#data = new LogData(budget?.memory, after);
    this.#kinds = new Numbered(after);
    this.#tail = this.#head = after;
  }

  /** The sequence of the newest entry; 0 if there is none. */
  get head(): number {
    return this.#head;
  }

  /** The sequence before the oldest entry still kept. */
  get tail(): number {
    return this.#tail;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What readers from the beginning get before the first entry; empty if nothing was given or the log was evicted. */
  get preface(): ByteString {
    return this.#preface;
  }

  /** Whether handled entries should be trimmed: the log is full, or all logs together take much memory. */
  get isCrowded(): boolean {
    return this.isFull || this.#budget?.isOver(REFUSE_AT) === true;
  }

  /** Whether the log exceeds its limits, or a small share while all logs exceed their budget. */
  get isFull(): boolean {
    if (this.#bytes >= this.#limits.maxBytes || this.#head - this.#tail >= this.#limits.maxEntries) return true;
    return this.#bytes >= SHARE_UNDER_PRESSURE && this.#budget?.isOver(1) === true;
  }

  /** Adds an entry with the next sequence and counts it in the budget. Adds even to a full log. */
  append(event: ByteString | undefined, data: ByteString, raw: boolean, hasContent = false): Entry {
    const kind = this.#kindOf(event, raw, hasContent);
    const entry = { seq: ++this.#head, event: kind.event, data, raw, hasContent };
    this.#data.push(data);
    this.#kinds.push(kind);
    const bytes = entryBytes(entry);
    this.#bytes += bytes;
    this.#budget?.grow(bytes);
    return entry;
  }

  /**
   * Keeps `text` as the preface, once, counted in the budget but not in `bytes`: it is never trimmed. Returns false, keeping
   * nothing, if it is larger than a log may be or the memory is taken.
   */
  prefix(text: ByteString): boolean {
    if (text.length > this.#limits.maxBytes || this.#budget?.take(text.length) === false) return false;
    this.#preface = text;
    return true;
  }

  /** The entry with this sequence; undefined if it is trimmed or not logged yet. */
  at(seq: number): Entry | undefined {
    const data = this.#data.at(seq);
    const kind = this.#kinds.at(seq);
    if (data === undefined || !kind) return undefined;
    return { seq, event: kind.event, data, raw: kind.raw, hasContent: kind.hasContent };
  }

  /** Drops the oldest entries up to and including `seq` if the log is crowded, until it has room again. */
  trimTo(seq: number): void {
    if (!this.isCrowded) return;
    while ((this.isCrowded || !this.#hasRoom) && this.#tail < seq) this.#dropOldest();
    this.#data.dropTo(this.#tail);
    this.#kinds.dropTo(this.#tail);
  }

  /** Drops everything: the log is no longer needed, or its memory is needed elsewhere. */
  evict(): void {
    this.#budget?.shrink(this.#bytes + this.#preface.length);
    this.#preface = "";
    this.#data.dropTo(this.#head);
    this.#kinds.dropTo(this.#head);
    this.#bytes = 0;
    this.#tail = this.#head;
  }

  /** No entry will follow: what is kept holds no more memory than it needs. */
  settle(): void {
    this.#data.settle();
  }

  /** Whether the next entries will not fill it at once. */
  get #hasRoom(): boolean {
    const { maxBytes, maxEntries } = this.#limits;
    return this.#bytes <= maxBytes * KEPT_SHARE && this.#head - this.#tail <= maxEntries * KEPT_SHARE;
  }

  #kindOf(event: ByteString | undefined, raw: boolean, hasContent: boolean): Kind {
    const kind = this.#kind;
    if (kind.event !== event || kind.raw !== raw || kind.hasContent !== hasContent) {
      // A kind outlives the read that brought it.
      this.#kind = { event: event === undefined ? undefined : copyOf(event), raw, hasContent };
    }
    return this.#kind;
  }

  #dropOldest(): void {
    this.#tail++;
    const bytes = sizeOf(this.#data.bytesOf(this.#tail), this.#kinds.at(this.#tail)?.event);
    this.#bytes -= bytes;
    this.#budget?.shrink(bytes);
  }
}
