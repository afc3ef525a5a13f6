import type { Delta } from "../dialect/dialect.ts";
import type { Window } from "./flow.ts";
import { type Entry, entryBytes, type StreamLog } from "./stream-log.ts";
import type { Terminal } from "./terminal.ts";

/** Where a reader's entries go. Called synchronously, within the upstream's data callback while the reader keeps up. */
export interface ReaderSink {
  /**
   * Takes an entry, or returns false if it cannot now; then it must wake the reader when it can. `delta` is what the dialect
   * decoded from a live entry; undefined for one from the log.
   */
  push(entry: Entry, delta: Delta | undefined): boolean;
  end(terminal: Terminal): void;
  /** `push` or `end` threw, which has been reported. Nothing more is called, and the client must not be left waiting. */
  failed(): void;
}

/** The stream as its readers use it. */
interface ReadStream {
  readonly log: StreamLog;
  readonly terminal: Terminal | undefined;
  /** The reader took or acknowledged entries. */
  readerMoved(): void;
  removeReader(reader: Reader): void;
  /** Reports what the reader's sink threw. */
  fault(error: unknown): void;
}

/**
 * A cursor on a stream's log. With a window, it sends no more than the client has credit for, and entries count as handled
 * once acknowledged; without one, once sent.
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

  /** The sequence of the last entry the sink took. */
  get cursor(): number {
    return this.#cursor;
  }

  /** The sequence up to which the client has handled everything: the log may trim it. */
  get handled(): number {
    return this.#window?.acked ?? this.#cursor;
  }

  /** Passes on an entry just logged, if this reader has caught up; otherwise it is left to `wake`. */
  offer(entry: Entry, delta: Delta): void {
    if (entry.seq !== this.#cursor + 1) return;
    try {
      if (!this.#hand(entry, delta)) return;
    } catch (error) {
      this.#broke(error);
    }
    // Another reader may have ended the stream while handling this entry.
    this.finish();
  }

  /** Sends from the log until it has caught up or the sink or window is full. Called when the sink is ready again. */
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

  /** The client has handled everything up to `seq`. Throws `bad_frame` beyond what was sent; older values do nothing. */
  acknowledge(seq: number): void {
    this.#window?.acknowledge(seq);
    this.wake();
  }

  /** Runs `work` in a microtask, after the current callback, so that its events are sent together. Guarded as by `guard`. */
  defer(work: () => void): void {
    // The core has no platform, and so no `queueMicrotask`.
    void Promise.resolve().then(() => this.guard(work));
  }

  /** Runs what the sink deferred, to a timer for example. A throw counts as a fault of the sink. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Ends the sink once it has everything before the terminal. */
  finish(): void {
    const { terminal } = this.#stream;
    if (this.#ended || !terminal || this.#cursor < this.#stream.log.head) return;
    this.detach();
    this.guard(() => this.#sink.end(terminal));
  }

  /** Stops reading. The stream continues. */
  detach(): void {
    this.#ended = true;
    this.#stream.removeReader(this);
  }

  /** A fault of the sink ends this reader only: the record and the other readers continue. */
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

  /** Sends an entry if window and sink admit it; returns whether they did. */
  #hand(entry: Entry, delta?: Delta): boolean {
    const bytes = entryBytes(entry);
    if (this.#ended || this.#window?.admits(bytes) === false) return false;
    // Moved first, because the sink may end the stream from within `push`.
    this.#cursor = entry.seq;
    if (!this.#sink.push(entry, delta)) {
      this.#cursor = entry.seq - 1;
      return false;
    }
    this.#window?.send(bytes);
    return true;
  }
}
