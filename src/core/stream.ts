import type { Timing, Usage } from "../../protocol/stream.ts";
import type { GatewayError } from "./errors.ts";
import type { Entry, StreamLog } from "./stream-log.ts";

/** The one last record of a stream. */
export interface Terminal {
  readonly status: "completed" | "failed" | "cancelled";
  readonly lastSeq: number;
  readonly finish?: string;
  readonly error?: GatewayError;
  readonly usage: Usage;
  readonly timing: Timing;
  readonly lossy: boolean;
}

/** Where a reader's entries go. Both are called synchronously, from the upstream's data callback when it keeps up. */
export interface ReaderSink {
  /** Takes the entry. False: taken, but send no more until the reader is woken. */
  entry(entry: Entry): boolean;
  end(terminal: Terminal): void;
}

/** One cursor on a stream's log. */
export class Reader {
  readonly #stream: Stream;
  readonly #sink: ReaderSink;
  #cursor: number;
  /** False while the sink asked to wait, or is being caught up. */
  #open = true;
  #ended = false;

  constructor(stream: Stream, sink: ReaderSink, after: number) {
    this.#stream = stream;
    this.#sink = sink;
    this.#cursor = after;
  }

  /** Sequence of the last entry handed over. */
  get cursor(): number {
    return this.#cursor;
  }

  /** An entry just written: handed over at once when this reader is caught up, else left in the log. */
  offer(entry: Entry): void {
    if (!this.#open || entry.seq !== this.#cursor + 1) return;
    this.#cursor = entry.seq;
    this.#open = this.#sink.entry(entry);
  }

  /** Goes on from the log until it is caught up or the sink asks to wait. Call it when the sink can take more. */
  wake(): void {
    if (this.#ended) return;
    this.#open = true;
    while (this.#open) {
      const entry = this.#stream.log.at(this.#cursor + 1);
      if (!entry) break;
      this.#cursor = entry.seq;
      this.#open = this.#sink.entry(entry);
    }
    this.finish();
    this.#stream.readerMoved();
  }

  /** Hands over the terminal once everything before it went out. */
  finish(): void {
    const { terminal } = this.#stream;
    if (this.#ended || !terminal || this.#cursor < this.#stream.log.head) return;
    this.#ended = true;
    this.#sink.end(terminal);
  }

  /** Stops reading. The stream itself goes on. */
  detach(): void {
    this.#open = false;
    this.#ended = true;
    this.#stream.removeReader(this);
  }
}

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

/** One upstream generation from open to terminal: a log, its readers, and a producer that is held back when it is full. */
export class Stream {
  readonly info: StreamInfo;
  readonly log: StreamLog;
  readonly #readers = new Set<Reader>();
  readonly #now: () => number;
  #producer: Producer | undefined;
  #paused = false;
  #terminal: Terminal | undefined;
  #firstSentMs: number | undefined;

  constructor(info: StreamInfo, log: StreamLog, now: () => number) {
    this.info = info;
    this.log = log;
    this.#now = now;
  }

  get terminal(): Terminal | undefined {
    return this.#terminal;
  }

  get firstSentMs(): number | undefined {
    return this.#firstSentMs;
  }

  /** How many cursors there are on the log. */
  get readers(): number {
    return this.#readers.size;
  }

  /** Says that content of this stream was handed to a client's socket; only the first time counts. */
  contentSent(): void {
    this.#firstSentMs ??= this.#now() - this.info.startedAt;
  }

  /** Adds a reader behind `after`. It gets what the log holds at once, then every entry as it is written. */
  attach(sink: ReaderSink, after = 0): Reader {
    const reader = new Reader(this, sink, after);
    this.#readers.add(reader);
    reader.wake();
    return reader;
  }

  removeReader(reader: Reader): void {
    this.#readers.delete(reader);
    this.readerMoved();
  }

  /** Ends the stream from outside: the upstream's socket is closed now. Does nothing on an ended stream. */
  cancel(reason: GatewayError): void {
    if (!this.#terminal) this.#producer?.cancel(reason);
  }

  /** The relay's side: who makes this stream's entries. */
  producedBy(producer: Producer): void {
    this.#producer = producer;
  }

  /** The relay's side: a new entry for every reader that keeps up. */
  publish(entry: Entry): void {
    for (const reader of this.#readers) reader.offer(entry);
    if (this.log.isFull) this.readerMoved();
  }

  /** The relay's side: the one last record. A second one is refused: the first wins. */
  end(terminal: Terminal): void {
    if (this.#terminal) return;
    this.#terminal = terminal;
    for (const reader of this.#readers) reader.finish();
  }

  /** Some reader took entries: the log may give up what all have passed, and the upstream may go on. */
  readerMoved(): void {
    if (!this.log.isFull && !this.#paused) return;
    let slowest = this.log.head;
    for (const reader of this.#readers) slowest = Math.min(slowest, reader.cursor);
    this.log.trimTo(slowest);
    this.#hold(this.log.isFull && !this.#terminal);
  }

  #hold(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#producer?.pause();
    else this.#producer?.resume();
  }
}
