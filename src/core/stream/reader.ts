import type { Delta } from "../dialect/dialect.ts";
import type { Window } from "./flow.ts";
import { type Entry, entryBytes, type StreamLog } from "./stream-log.ts";
import type { Terminal } from "./terminal.ts";

/** Where a reader's entries go. All are called synchronously, from the upstream's data callback when it keeps up. */
export interface ReaderSink {
  /**
   * Takes an entry, or says by false that it cannot now; then it wakes the reader when it can. `delta` is what the
   * dialect read in it: there when the entry was just written, not when it comes from the log.
   */
  push(entry: Entry, delta: Delta | undefined): boolean;
  end(terminal: Terminal): void;
  /** One of these threw, which is reported: it hears nothing more, and its client must not wait for the rest. */
  failed(): void;
}

/** What a reader wants of its stream. */
interface ReadStream {
  readonly log: StreamLog;
  readonly terminal: Terminal | undefined;
  /** The reader took or handled entries. */
  readerMoved(): void;
  removeReader(reader: Reader): void;
  /** Reports what the reader's sink threw. */
  fault(error: unknown): void;
}

/**
 * One cursor on a stream's log. With a window it sends no more than the client has credit for, and what the client has
 * acknowledged is what the log may give up; without one, whatever was sent counts as handled.
 */
export class Reader {
  readonly #stream: ReadStream;
  readonly #sink: ReaderSink;
  readonly #window: Window | undefined;
  #cursor: number;
  #ended = false;
  #failed = false;

  constructor(stream: ReadStream, sink: ReaderSink, after: number, window?: Window) {
    this.#stream = stream;
    this.#sink = sink;
    this.#cursor = after;
    this.#window = window;
  }

  /** Sequence of the last entry handed over. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Sequence up to which the client has handled everything. */
  get handled(): number {
    return this.#window?.acked ?? this.#cursor;
  }

  /** Whether entries wait for the client's credit. */
  get isBlocked(): boolean {
    const next = this.#stream.log.at(this.#cursor + 1);
    return next !== undefined && this.#window?.admits(entryBytes(next)) === false;
  }

  /** An entry just written: handed over at once when this reader is caught up, else left in the log. */
  offer(entry: Entry, delta: Delta): void {
    if (entry.seq !== this.#cursor + 1) return;
    try {
      if (!this.#hand(entry, delta)) return;
    } catch (error) {
      this.#broke(error);
    }
    // Another reader may have ended the stream within this entry.
    this.finish();
  }

  /** Goes on from the log until it is caught up or may take no more. Call it when the sink is ready again. */
  wake(): void {
    if (this.#ended) return;
    try {
      for (;;) {
        const entry = this.#stream.log.at(this.#cursor + 1);
        if (!entry || !this.#hand(entry)) break;
      }
    } catch (error) {
      this.#broke(error);
    }
    this.finish();
    this.#stream.readerMoved();
  }

  /** The client has handled everything up to `seq`. Throws `bad_frame` beyond what was sent; older ones do nothing. */
  acknowledge(seq: number): void {
    this.#window?.acknowledge(seq);
    this.wake();
  }

  /** Does `work` once the callback that is running has returned, in a microtask; a fault in it is one of the sink. */
  defer(work: () => void): void {
    // `queueMicrotask` belongs to platforms, and the core to none.
    void Promise.resolve().then(() => this.guard(work));
  }

  /** Does what the sink put off to a timer or a microtask: what it throws is a fault of the sink like any other. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Hands over the terminal once everything before it went out, and reads no more. */
  finish(): void {
    const { terminal } = this.#stream;
    if (this.#ended || !terminal || this.#cursor < this.#stream.log.head) return;
    this.detach();
    this.guard(() => this.#sink.end(terminal));
  }

  /** Stops reading. The stream itself goes on. */
  detach(): void {
    this.#ended = true;
    this.#stream.removeReader(this);
  }

  /** A fault of the sink ends this reader: the record and the other readers go on. */
  #broke(error: unknown): void {
    this.detach();
    this.#stream.fault(error);
    if (this.#failed) return;
    this.#failed = true;
    try {
      this.#sink.failed();
    } catch (another) {
      this.#stream.fault(another);
    }
  }

  /** Whether the entry was taken: the client has credit for it, and the sink room. */
  #hand(entry: Entry, delta?: Delta): boolean {
    const bytes = entryBytes(entry);
    if (this.#ended || this.#window?.admits(bytes) === false) return false;
    // Before it is taken: the sink may end the stream within it.
    this.#cursor = entry.seq;
    if (!this.#sink.push(entry, delta)) {
      this.#cursor = entry.seq - 1;
      return false;
    }
    this.#window?.send(bytes);
    return true;
  }
}
