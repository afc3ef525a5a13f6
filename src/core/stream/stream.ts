import { type Delta, NOTHING } from "../dialect/dialect.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { Window } from "./flow.ts";
import type { ProviderHead } from "./provider-head.ts";
import { Reader, type ReaderSink } from "./reader.ts";
import type { Entry, StreamLog } from "./stream-log.ts";
import type { Terminal } from "./terminal.ts";

export interface StreamInfo {
  readonly id: string;
  readonly epoch: number;
  readonly route: string;
  readonly model: string | undefined;
  /** Clock reading when the request came in, in milliseconds. */
  readonly startedAt: number;
}

/** What a stream asks of whoever produces it. */
export interface Producer {
  pause(): void;
  resume(): void;
  cancel(reason: GatewayError): void;
}

/**
 * One upstream generation from open to terminal: a log, its readers, and a producer that is held back when it is full.
 * It owns its log's memory: once it has ended and its last reader is done, the log is given back, unless somebody
 * retained it.
 */
export class Stream {
  readonly info: StreamInfo;
  readonly log: StreamLog;
  #providerHead: ProviderHead | undefined;
  /** Replaced, never changed: readers come and go while one entry is handed to all. */
  #readers: readonly Reader[] = [];
  readonly #now: () => number;
  readonly #fault: (error: unknown) => void;
  /** Set while somebody wants the log beyond the stream's end. */
  #retainer: (() => void) | undefined;
  #producer: Producer | undefined;
  #pausedAt: number | undefined;
  #blockedMs = 0;
  #pauses = 0;
  #terminal: Terminal | undefined;
  #firstSentMs: number | undefined;
  /** Sequence up to which the log may be given up: what every reader, or the last one that left, has handled. */
  #floor = 0;
  #keepsAll = true;

  /** `now` is a monotonic clock in milliseconds; `fault` is told what a reader's sink threw. */
  constructor(info: StreamInfo, log: StreamLog, now: () => number, fault: (error: unknown) => void) {
    this.info = info;
    this.log = log;
    this.#now = now;
    this.#fault = fault;
  }

  get terminal(): Terminal | undefined {
    return this.#terminal;
  }

  /** What the provider's latest response said in its head; undefined before there was one. */
  get providerHead(): ProviderHead | undefined {
    return this.#providerHead;
  }

  get firstSentMs(): number | undefined {
    return this.#firstSentMs;
  }

  /** How many cursors there are on the log. */
  get readers(): number {
    return this.#readers.length;
  }

  /** How long the upstream has been held back without its readers getting on, in milliseconds; 0 while it is not. */
  get pausedMs(): number {
    return this.#pausedAt === undefined ? 0 : this.#now() - this.#pausedAt;
  }

  /** How often, and for how long in all, the upstream was held back because nobody read. */
  get backpressure(): { readonly pauses: number; readonly ms: number } {
    return { pauses: this.#pauses, ms: this.#blockedMs + this.pausedMs };
  }

  /** The process stood still for so long: its readers are not to blame for what they did not take meanwhile. */
  forgive(ms: number): void {
    if (this.#pausedAt !== undefined) this.#pausedAt += ms;
  }

  /** Says that content of this stream was handed to a client's socket; only the first time counts. */
  contentSent(): void {
    this.#firstSentMs ??= this.#now() - this.info.startedAt;
  }

  /** Adds a reader behind `after`. It gets what the log holds at once, then every entry as it is written. */
  attach(sink: ReaderSink, after = 0, window?: Window): Reader {
    const reader = this.addReader(sink, after, window);
    reader.wake();
    return reader;
  }

  /** Adds a reader that begins when it is woken; what is behind `after` stays in the log for it from now on. */
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

  /**
   * Keeps the log beyond the end, until `giveUp`. `ended` is called once, when the terminal is there and before readers
   * hear of it; at once when it is there already.
   */
  retain(ended: () => void): void {
    this.#retainer = ended;
    if (this.#terminal) ended();
  }

  /** Gives the log back now, read or not: nobody will be let in to read it. */
  giveUp(): void {
    this.#retainer = undefined;
    this.log.evict();
  }

  /** Reports what a reader's sink threw. */
  fault(error: unknown): void {
    this.#fault(error);
  }

  /**
   * What happens to a full log that nobody reads: with `true`, the default, the upstream waits; with `false` it goes on
   * and the oldest entries are given up.
   */
  keepAll(keepsAll: boolean): void {
    this.#keepsAll = keepsAll;
    this.readerMoved();
  }

  /** Ends the stream from outside: the upstream's socket is closed now. Does nothing on an ended stream. */
  cancel(reason: GatewayError): void {
    if (!this.#terminal) this.#producer?.cancel(reason);
  }

  /** The relay's side: the provider has responded. */
  responded(head: ProviderHead): void {
    this.#providerHead = head;
  }

  /** The relay's side: who makes this stream's entries. */
  producedBy(producer: Producer): void {
    this.#producer = producer;
  }

  /** The relay's side: a new entry for every reader that keeps up. */
  publish(entry: Entry, delta: Delta = NOTHING): void {
    for (const reader of this.#readers) reader.offer(entry, delta);
    if (this.log.isCrowded) this.readerMoved();
  }

  /** The relay's side: the one last record. A second one is refused: the first wins. */
  end(terminal: Terminal): void {
    if (this.#terminal) return;
    this.#terminal = terminal;
    this.#hold(false);
    // It holds the request, which may be large, and a log may be kept for minutes.
    this.#producer = undefined;
    this.#retainer?.();
    for (const reader of this.#readers) reader.finish();
    this.#giveBack();
  }

  /** Some reader took or handled entries: the log may give up what all are done with, and the upstream may go on. */
  readerMoved(): void {
    if (!this.log.isCrowded && this.#pausedAt === undefined) return;
    const { tail } = this.log;
    this.log.trimTo(this.#handledByAll());
    if (this.log.tail > tail) this.#restartPause();
    this.#hold(this.log.isFull && !this.#terminal);
  }

  #giveBack(): void {
    if (this.#terminal && !this.#retainer && this.#readers.length === 0) this.log.evict();
  }

  #handledByAll(): number {
    if (this.#readers.length === 0) return this.#keepsAll ? this.#floor : this.log.head;
    let handled = this.log.head;
    for (const reader of this.#readers) handled = Math.min(handled, reader.handled);
    return handled;
  }

  /** Its readers get on, be it too slowly: what counts as held back without progress begins anew. */
  #restartPause(): void {
    this.#blockedMs += this.pausedMs;
    if (this.#pausedAt !== undefined) this.#pausedAt = this.#now();
  }

  #hold(paused: boolean): void {
    if (paused === (this.#pausedAt !== undefined)) return;
    if (paused) {
      this.#pausedAt = this.#now();
      this.#pauses++;
      this.#producer?.pause();
    } else {
      this.#blockedMs += this.pausedMs;
      this.#pausedAt = undefined;
      this.#producer?.resume();
    }
  }
}
