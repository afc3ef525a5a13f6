import { Window, type WindowLimits } from "../../core/flow.ts";
import type { Reader, ReaderSink } from "../../core/reader.ts";
import type { Shelved } from "../../core/shelf.ts";
import type { Stream, Terminal } from "../../core/stream.ts";
import type { Entry } from "../../core/stream-log.ts";
import { endFrame, eventBody, eventFrame, eventPrefix, eventsFrame } from "./frames.ts";
import type { Scheduler, Sharer } from "./scheduler.ts";

/** Events one frame holds at most when they come in batches, so that a batch stays about as large as a turn. */
const MAX_BATCH = 64;

export interface OpenStreamParts {
  /** The client's name for it on this connection. */
  readonly id: string;
  readonly shelved: Shelved;
  readonly scheduler: Scheduler;
  /** Set when the client acknowledges. */
  readonly window: WindowLimits | undefined;
  readonly batch: boolean;
  /** Everything was sent, the end included. */
  readonly ended: () => void;
}

/** One stream on one connection: a reader of its log that puts entries into frames. */
export class OpenStream implements ReaderSink, Sharer {
  readonly id: string;
  readonly shelved: Shelved;
  readonly #scheduler: Scheduler;
  readonly #windowLimits: WindowLimits | undefined;
  readonly #batch: Entry[] | undefined;
  readonly #ended: () => void;
  readonly #prefix: string;
  #reader: Reader | undefined;

  constructor(parts: OpenStreamParts) {
    this.id = parts.id;
    this.shelved = parts.shelved;
    this.#scheduler = parts.scheduler;
    this.#windowLimits = parts.window;
    this.#batch = parts.batch ? [] : undefined;
    this.#ended = parts.ended;
    this.#prefix = eventPrefix(parts.id);
    if (parts.window) parts.scheduler.track();
  }

  get stream(): Stream {
    return this.shelved.stream;
  }

  get acknowledges(): boolean {
    return this.#windowLimits !== undefined;
  }

  /** Reads on behind `after`. */
  read(after: number): void {
    const window = this.#windowLimits && new Window(this.#windowLimits, after);
    // Attaching may bring everything, the end included.
    this.#reader = this.stream.attach(this, after, window);
    if (this.#isOver) this.#reader.detach();
  }

  wake(): void {
    this.#reader?.wake();
  }

  /** Throws `bad_frame` when `seq` is beyond what was sent. */
  acknowledge(seq: number): void {
    this.#reader?.acknowledge(seq);
  }

  /** Reads no more; the stream goes on. */
  leave(): void {
    this.#flush();
    this.#reader?.detach();
    this.#scheduler.leave(this);
  }

  // ── as the reader's sink ──────────────────────────────────────────────────────────────────────────────────────────

  ready(): boolean {
    return this.#scheduler.mayTake(this);
  }

  entry(entry: Entry): void {
    if (this.#batch) this.#collect(this.#batch, entry);
    else this.#scheduler.sendFor(this, eventFrame(this.#prefix, entry));
    if (this.stream.firstSentMs === undefined && isContent(entry)) this.stream.contentSent();
  }

  #isOver = false;

  end(terminal: Terminal): void {
    this.#flush();
    this.#isOver = true;
    this.#scheduler.send(endFrame(this.id, terminal));
    this.#scheduler.leave(this);
    this.#reader?.detach();
    this.#ended();
  }

  // ── batches ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Events of one callback share a frame: they leave when it returns, so none waits for another. */
  #collect(batch: Entry[], entry: Entry): void {
    if (batch.push(entry) === 1) queueMicrotask(() => this.#flush());
    else if (batch.length >= MAX_BATCH) this.#flush();
  }

  #flush(): void {
    const [first, ...more] = this.#batch?.splice(0) ?? [];
    if (!first) return;
    const frame =
      more.length === 0 ? eventFrame(this.#prefix, first) : eventsFrame(this.id, [first, ...more].map(eventBody));
    this.#scheduler.sendFor(this, frame);
  }
}

const isContent = ({ meaning }: Entry): boolean =>
  Boolean(meaning.text) || Boolean(meaning.thinking) || meaning.toolCalls !== undefined;
