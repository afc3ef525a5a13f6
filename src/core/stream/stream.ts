import { type Dialect, NOTHING } from "../dialect/dialect.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import type { GatewayError } from "../kernel/errors.ts";
import { Pauses } from "./pauses.ts";
import { Reader, type ReaderSink } from "./reader.ts";
import type { StreamLog } from "./stream-log.ts";
import type { LogHold, Producer, ProviderHead, StreamInfo } from "./stream-parts.ts";
import type { Spending, Terminal } from "./terminal.ts";
import type { Window } from "./window.ts";

export type { Producer } from "./stream-parts.ts";

/**
 * One upstream generation from open to terminal: a log, its readers, and a producer that is paused while the log is full.
 * The stream owns the log's memory: it is freed once the stream has ended and the last reader is done, unless retained.
 */
export class Stream {
  readonly info: StreamInfo;
  readonly log: StreamLog;
  #providerHead: ProviderHead | undefined;
  /** Replaced, never mutated: readers come and go while an entry is being passed to all of them. */
  #readers: readonly Reader[] = [];
  #holds: readonly LogHold[] = [];
  readonly #now: () => number;
  readonly #fault: (error: unknown) => void;
  /** Set while the log is to be kept after the end. */
  #retainer: (() => void) | undefined;
  #producer: Producer | undefined;
  #dialect: Dialect | undefined;
  readonly #pauses: Pauses;
  #terminal: Terminal | undefined;
  #firstSentMs: number | undefined;
  /** The sequence that the last reader to leave had handled: without readers, the log may be trimmed up to it. */
  #floor = 0;
  #keepsAll = true;

  /** `now`: a monotonic clock in milliseconds. `fault` receives what readers' sinks throw. */
  constructor(info: StreamInfo, log: StreamLog, now: () => number, fault: (error: unknown) => void) {
    this.info = info;
    this.log = log;
    this.#now = now;
    this.#pauses = new Pauses(now);
    this.#fault = fault;
  }

  get terminal(): Terminal | undefined {
    return this.#terminal;
  }

  /** What may be charged for: in the end, or so far; undefined if that is not known here. */
  get spending(): Spending | undefined {
    return this.#terminal ?? this.#producer?.spending;
  }

  /** What the provider's latest response said in its head; undefined before there was one. */
  get providerHead(): ProviderHead | undefined {
    return this.#providerHead;
  }

  /** The dialect of its entries: the first one's, until an answer begins on another target. */
  get dialect(): Dialect | undefined {
    return this.#dialect;
  }

  /** The name of the dialect, for the first event of a reader that must be told. */
  get toldDialect(): string | undefined {
    return this.info.tellsDialect ? this.#dialect?.name : undefined;
  }

  get firstSentMs(): number | undefined {
    return this.#firstSentMs;
  }

  /** The number of readers. */
  get readers(): number {
    return this.#readers.length + this.#holds.filter(({ isReader }) => isReader).length;
  }

  /** The sequence up to which nobody needs the log any more. */
  get handled(): number {
    return this.#handledByAll();
  }

  /** How long the upstream has been paused without any reader making progress, in milliseconds; 0 if it is not paused. */
  get pausedMs(): number {
    return this.#pauses.ms;
  }

  /** How often, and for how long in total, a full log paused the upstream. */
  get backpressure(): { readonly pauses: number; readonly ms: number } {
    return this.#pauses.sum;
  }

  /** The process stood still for `ms`, which does not count as a pause caused by readers. */
  forgive(ms: number): void {
    this.#pauses.forgive(ms);
  }

  /** Notes the time when content was first written to a client's socket; later calls do nothing. */
  contentSent(): void {
    this.#firstSentMs ??= this.#now() - this.info.startedAt;
  }

  /** Adds a reader that starts at once with the entry after `after`: with what is logged, then with live entries. */
  attach(sink: ReaderSink, after = 0, window?: Window): Reader {
    const reader = this.addReader(sink, after, window);
    reader.wake();
    return reader;
  }

  /** Adds a reader that starts when woken. Entries after `after` are kept for it from now on. */
  addReader(sink: ReaderSink, after: number, window?: Window): Reader {
    const reader = new Reader(this, sink, after, window);
    this.#readers = [...this.#readers, reader];
    return reader;
  }

  removeReader(reader: Reader): void {
    if (!this.#readers.includes(reader)) return;
    this.#readers = this.#readers.filter((other) => other !== reader);
    if (this.#readers.length === 0) this.#floor = reader.handled;
    this.readerMoved();
    this.#giveBack();
  }

  /** Keeps what `hold` has not handled, until `letGo`. */
  hold(hold: LogHold): void {
    this.#holds = [...this.#holds, hold];
  }

  letGo(hold: LogHold): void {
    if (!this.#holds.includes(hold)) return;
    this.#holds = this.#holds.filter((other) => other !== hold);
    if (hold.isReader && this.readers === 0) this.#floor = hold.handled;
    this.readerMoved();
  }

  /** For a mirror, whose log has grown: its readers read on. */
  wakeReaders(): void {
    for (const reader of this.#readers) reader.wake();
  }

  /**
   * Keeps the log after the end, until `giveUp`. `ended` is called once, at the end before readers learn of it; immediately
   * if the stream has ended.
   */
  retain(ended: () => void): void {
    this.#retainer = ended;
    if (this.#terminal) ended();
  }

  /** Evicts the log now, whether or not it was read. No reader may be added after that. */
  giveUp(): void {
    this.#retainer = undefined;
    this.log.evict();
  }

  /** Reports what a reader's sink threw. */
  fault(error: unknown): void {
    this.#fault(error);
  }

  /**
   * What happens when a log without readers is full: by default (`true`) the upstream is paused; with `false` it continues
   * and the oldest entries are dropped.
   */
  keepAll(keepsAll: boolean): void {
    this.#keepsAll = keepsAll;
    this.readerMoved();
  }

  /** Ends the stream from outside and closes the upstream's socket. Does nothing once the stream has ended. */
  cancel(reason: GatewayError): void {
    if (!this.#terminal) this.#producer?.cancel(reason);
  }

  /** Ends the stream at a reached cap. Does nothing once it has ended. */
  cut(error: GatewayError): void {
    if (!this.#terminal) this.#producer?.cut(error);
  }

  /** For the relay: notes the head of the provider's response; undefined: another target is asked. */
  responded(head: ProviderHead | undefined): void {
    this.#providerHead = head;
  }

  /** For the relay: sets the producer, or the one that takes over, and the dialect of its entries. */
  producedBy(producer: Producer, dialect?: Dialect): void {
    this.#dialect = dialect;
    this.#producer = producer;
  }

  /**
   * For the relay: logs an event and passes it to every reader that keeps up. `data` is JSON unless `raw`; `delta` is what
   * the dialect decoded from it.
   */
  publish(event: ByteString | undefined, data: ByteString, raw: boolean, hasContent = false, delta = NOTHING): void {
    const entry = this.log.append(event, data, raw, hasContent);
    for (const reader of this.#readers) reader.offer(entry, delta);
    if (this.log.isCrowded) this.readerMoved();
  }

  /** For the relay: ends the stream. Only the first call counts. */
  end(terminal: Terminal): void {
    if (this.#terminal) return;
    this.#terminal = terminal;
    this.info.opening?.accept();
    this.#hold(false);
    // Frees the producer: a log may be kept for minutes.
    this.#producer = undefined;
    this.#retainer?.();
    for (const reader of this.#readers) reader.finish();
    this.#giveBack();
  }

  /** Trims what all readers have handled, and pauses or resumes the upstream. Called when a reader took or handled entries. */
  readerMoved(): void {
    if (!this.log.isCrowded && !this.#pauses.isPaused) return;
    const { tail } = this.log;
    this.log.trimTo(this.#handledByAll());
    if (this.log.tail > tail) this.#pauses.restart();
    this.#hold(this.log.isFull && !this.#terminal);
  }

  #giveBack(): void {
    if (!this.#terminal) return;
    if (!this.#retainer && this.#readers.length === 0) this.log.evict();
    else this.log.settle();
  }

  #handledByAll(): number {
    let handled = this.#keepsAll && this.readers === 0 ? this.#floor : this.log.head;
    for (const reader of this.#readers) handled = Math.min(handled, reader.handled);
    for (const hold of this.#holds) handled = Math.min(handled, hold.handled);
    return handled;
  }

  #hold(paused: boolean): void {
    if (paused === this.#pauses.isPaused) return;
    if (paused) {
      this.#pauses.begin();
      this.#producer?.pause();
    } else {
      this.#pauses.end();
      this.#producer?.resume();
    }
  }
}
