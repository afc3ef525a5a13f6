import type { RegisteredStream, StreamWatcher } from "../../core/stream/registered-stream.ts";
import type { LogHold } from "../../core/stream/stream-parts.ts";
import type { Append, AppendPart } from "./append-script.ts";
import { encodeEntries } from "./entry-codec.ts";
import { endToText, spendingToText } from "./stored-end.ts";
import { factsText } from "./stored-stream.ts";
import type { TapParts } from "./tap-parts.ts";

/** What one append takes of one stream at most, in bytes, unless a single event is larger. */
const BATCH_BYTES = 128 * 1024;
/** A running stream's keys live so long after their owner last touched them, in milliseconds. */
const RUNNING_MS = 600_000;
/** How often a silent stream's keys are touched, in milliseconds. */
const TOUCH_MS = 60_000;
/** No sequence: the keys must be made, or made anew. */
const NOTHING = -1;

/**
 * One stream of this node on its way to Redis: keeps in the log what is not written yet, and decides what the next append takes.
 * It costs an event nothing: the log is read when a batch is due.
 */
export class Tap implements LogHold, StreamWatcher {
  readonly isReader = false;
  readonly registered: RegisteredStream;
  readonly #parts: TapParts<Tap>;
  /** The seq that Redis has. */
  #written = NOTHING;
  #from = 0;
  #hasDialect = false;
  #previous = "";
  #spending = "";
  #hasEnd = false;
  /** Redis knows how long to keep it. */
  #isKept = false;
  /** Its client has acknowledged everything: only the end may still be needed. */
  #isDropped = false;
  /** When Redis last confirmed that it has the stream. */
  #confirmedAt: number;
  /** Redis may have lost something: it must be asked at once. */
  #isInDoubt = false;
  #isRemoved = false;
  #isOver = false;

  constructor(registered: RegisteredStream, parts: TapParts<Tap>) {
    this.registered = registered;
    this.#parts = parts;
    this.#confirmedAt = parts.now();
  }

  get id(): string {
    return this.registered.stream.info.id;
  }

  /** While Redis is up, the log is trimmed no further than Redis has it; a trim that waits hastens the next append. */
  get handled(): number {
    if (this.#isOver || !this.#parts.isUp()) return Number.POSITIVE_INFINITY;
    if (this.behind > 0) this.#parts.changed(this, true);
    return Math.max(this.#written, 0);
  }

  /** Events that Redis does not have yet. */
  get behind(): number {
    return this.#isOver ? 0 : this.registered.stream.log.head - Math.max(this.#written, 0);
  }

  /** The size of these, as logs count it; an estimate, from the log's average. */
  get behindBytes(): number {
    const { log } = this.registered.stream;
    return this.behind === 0 ? 0 : Math.round((log.bytes * this.behind) / Math.max(1, log.head - log.tail));
  }

  /** Whether every tick must look at it. */
  get isRunning(): boolean {
    return !this.#isOver && !this.#hasEnd;
  }

  // ── as the stream's watcher ───────────────────────────────────────────────────────────────────────────────────────

  attached(): void {
    this.#isDropped = false;
    this.#changed();
  }

  detached(): void {
    this.#changed();
  }

  ended(): void {
    this.#parts.ended(this);
    this.#parts.changed(this, true);
  }

  /** The client has handled everything. */
  done(isAcknowledged: boolean): void {
    this.#isDropped = isAcknowledged && !this.registered.isRepeatable;
    this.#changed();
  }

  /** Its end is still written: if this node dies before the ledger has what it used, that is settled from there. */
  removed(): void {
    this.#isRemoved = true;
    this.#isDropped = true;
    if (!this.registered.stream.terminal || this.#hasEnd || !this.#parts.isUp()) this.#leave();
    else this.#parts.changed(this, true);
  }

  // ── appends ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What to write now, if anything. One append of a stream at a time: its answer must be given to `answered`. */
  next(): Append | undefined {
    if (this.#isOver) return undefined;
    const { log, terminal } = this.registered.stream;
    // As with most running streams, at most ticks.
    if (log.head === this.#written && !terminal && this.#isUpToDate && !this.#isUnconfirmed(TOUCH_MS)) return undefined;
    // While Redis was away, the log was trimmed without it.
    if (this.#written !== NOTHING && log.tail > this.#written && !this.#isDropped) {
      this.#parts.holed();
      this.beginAnew();
    }
    const isNew = this.#written === NOTHING;
    const after = isNew ? log.tail : this.#written;
    const { text: batch, last: seq } = this.#isDropped
      ? { text: "", last: log.head }
      : encodeEntries(log, after, BATCH_BYTES);
    const isWhole = terminal !== undefined && seq === log.head;
    const isEnd = isWhole && !this.#hasEnd;
    const keepMs = isWhole && (isEnd || !this.#isKept) ? this.#parts.keptMs(this.registered) : undefined;
    const hasNews = keepMs !== undefined || !this.#isUpToDate || this.#isUnconfirmed(TOUCH_MS);
    if (!isNew && batch === "" && !hasNews) return undefined;
    const isFull = batch.length >= BATCH_BYTES;
    const spending = terminal ? this.#spending : this.#spendingNow();
    return { seq, batch, from: this.#fromNow(), isEnd, keepMs, previous: this.#previousNow, spending, isFull };
  }

  /** An append as its part of a call. */
  partOf({ seq, batch, from, isEnd, keepMs, previous, spending }: Append): AppendPart {
    const { terminal } = this.registered.stream;
    const isNew = this.#written === NOTHING;
    const hasFacts = isNew || (!this.#hasDialect && batch !== "");
    const isTouched = terminal === undefined && (isNew || this.#isInDoubt || this.#isUnconfirmed(TOUCH_MS));
    return {
      id: this.id,
      before: this.#written,
      seq,
      batch,
      from,
      liveMs: isTouched ? RUNNING_MS : 0,
      spending: spending === this.#spending ? "" : spending,
      facts: hasFacts ? factsText(this.registered, this.#parts) : "",
      previous: previous === this.#previous ? "" : previous,
      end: isEnd && terminal ? endToText(terminal) : "",
      keepMs: keepMs === undefined ? 0 : Math.max(1, Math.round(keepMs)),
    };
  }

  /** What Redis answered to an append. */
  answered(append: Append, answer: string): void {
    if (this.#isOver) return;
    if (answer === "ok") this.#wrote(append);
    // Others may have ended it so long ago that nothing is left of that.
    else if (answer === "fenced" || (answer === "lost" && this.#isUnconfirmed(RUNNING_MS))) this.#fence();
    else if (answer === "lost") this.beginAnew();
    // An append that was not answered was done, or Redis fell back.
    else this.#reached(Math.min(Number(answer), this.registered.stream.log.head));
  }

  /** Redis has nothing of it any more, or not enough for this node to go on from. */
  beginAnew(): void {
    this.#written = NOTHING;
    this.#from = 0;
    this.#previous = "";
    this.#spending = "";
    this.#hasDialect = false;
    this.#hasEnd = false;
    this.#parts.changed(this, false);
  }

  /** Redis may have less than it had, or others may have ended the stream: asks at once, and writes the end again. */
  recheck(): void {
    if (this.#written === NOTHING) return;
    this.#isInDoubt = true;
    this.#previous = "";
    this.#spending = "";
    this.#hasDialect = false;
    this.#hasEnd = false;
    this.#parts.changed(this, true);
  }

  #wrote({ seq, batch, from, isEnd, keepMs, previous, spending }: Append): void {
    this.#hasDialect ||= batch !== "";
    this.#from = Math.max(this.#from, from);
    this.#previous = previous;
    this.#spending = spending;
    this.#hasEnd ||= isEnd;
    this.#isKept ||= keepMs !== undefined;
    this.#confirmedAt = this.#parts.now();
    this.#isInDoubt = false;
    this.#reached(seq);
    if (this.#isRemoved && this.#hasEnd) this.#leave();
  }

  #reached(seq: number): void {
    this.#written = seq;
    // A full log may wait for just this.
    this.registered.stream.readerMoved();
  }

  #leave(): void {
    this.#isOver = true;
    this.#parts.removed(this);
  }

  #fence(): void {
    this.#isOver = true;
    this.#parts.fenced(this);
  }

  #changed(): void {
    this.#isKept = false;
    this.#parts.changed(this, false);
  }

  /** Whether it runs, and Redis has not confirmed that for this long. */
  #isUnconfirmed(forMs: number): boolean {
    return !this.registered.stream.terminal && this.#parts.now() - this.#confirmedAt >= forMs;
  }

  /** Whether Redis certainly has all of a running stream but its newest events. */
  get #isUpToDate(): boolean {
    return !this.#isInDoubt && this.#previousNow === this.#previous;
  }

  get #previousNow(): string {
    const { attachment, previous } = this.registered;
    return attachment ? "superseded" : (previous ?? "none");
  }

  #spendingNow(): string {
    const { spending } = this.registered.stream;
    return spending ? spendingToText(spending) : "";
  }

  /** The first seq to keep; 0 for all. A log that is let go of here after its end may still be read there. */
  #fromNow(): number {
    const { log, terminal } = this.registered.stream;
    const from = this.#isDropped ? log.head + 1 : terminal || log.tail === 0 ? 0 : log.tail + 1;
    return from > this.#from ? from : 0;
  }
}
