import type { Code } from "../../../protocol/codes.ts";
import { Window, type WindowLimits } from "../../core/stream/flow.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import type { Attachment, RegisteredStream } from "../../core/stream/registry.ts";
import type { Stream } from "../../core/stream/stream.ts";
import { type Entry, entryBytes } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import { eventBody } from "../../core/stream/wire.ts";
import { endFrame, eventFrame, eventPrefix, eventsFrame } from "./frames.ts";
import type { Scheduler, Sharer } from "./scheduler.ts";

/** What one frame holds at most when events come in batches: until it is sent nobody counts it. */
const MAX_BATCH_EVENTS = 64;
const MAX_BATCH_BYTES = 65_536;

export interface OpenStreamParts {
  /** The client's name for it on this connection. */
  readonly id: string;
  readonly registered: RegisteredStream;
  /** Where it begins: behind this sequence. */
  readonly after: number;
  readonly scheduler: Scheduler;
  /** Set when the client acknowledges. */
  readonly window: WindowLimits | undefined;
  readonly batch: boolean;
  /** Everything was sent, the end included; `handled` says whether that is all its client will say of it. */
  readonly ended: (handled: boolean) => void;
  /** It was made to leave before that. */
  readonly detached: (why: Code) => void;
  /** A fault of ours ended it. */
  readonly failed: () => void;
}

/** One stream on one connection: a reader of its log that puts entries into frames. */
export class OpenStream implements ReaderSink, Sharer, Attachment {
  readonly id: string;
  readonly registered: RegisteredStream;
  readonly acknowledges: boolean;
  readonly #parts: OpenStreamParts;
  readonly #scheduler: Scheduler;
  readonly #prefix: string;
  readonly #reader: Reader;
  #batch: Entry[] = [];
  #batchBytes = 0;
  #hasContent = false;

  constructor(parts: OpenStreamParts) {
    this.id = parts.id;
    this.registered = parts.registered;
    this.acknowledges = parts.window !== undefined;
    this.#parts = parts;
    this.#scheduler = parts.scheduler;
    this.#prefix = eventPrefix(parts.id);
    parts.scheduler.join(this);
    const window = parts.window && new Window(parts.window, parts.after);
    this.#reader = this.stream.addReader(this, parts.after, window);
  }

  get stream(): Stream {
    return this.registered.stream;
  }

  /** Begins, or goes on. */
  wake(): void {
    this.#reader.wake();
    // Within its turn, so that the turn pays for it.
    this.#flush();
  }

  /** Throws `bad_frame` when `seq` is beyond what was sent. */
  acknowledge(seq: number): void {
    this.#reader.acknowledge(seq);
  }

  /** Reads no more; the stream goes on. */
  leave(): void {
    this.#flush();
    this.#reader.detach();
    this.#scheduler.leave(this);
  }

  detached(why: Code): void {
    this.leave();
    this.#parts.detached(why);
  }

  // ── as the reader's sink ──────────────────────────────────────────────────────────────────────────────────────────

  push(entry: Entry): boolean {
    if (!this.#scheduler.mayTake(this)) return false;
    // Somebody waits for it, and the same read may have brought the whole answer, whose end is work.
    const isFirstContent = entry.hasContent && !this.#hasContent;
    if (this.#parts.batch) this.#collect(entry);
    else this.#scheduler.sendFor(this, eventFrame(this.#prefix, entry), isFirstContent);
    if (isFirstContent) {
      this.#hasContent = true;
      this.stream.contentSent();
    }
    return true;
  }

  end(terminal: Terminal): void {
    this.leave();
    this.#scheduler.send(endFrame(this.id, terminal));
    this.#parts.ended(this.#reader.handled >= terminal.lastSeq);
  }

  failed(): void {
    this.#batch = [];
    this.#scheduler.leave(this);
    this.#parts.failed();
  }

  // ── batches ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Events of one callback share a frame: they leave when it returns, so none waits for another. */
  #collect(entry: Entry): void {
    if (this.#batch.push(entry) === 1) this.#reader.defer(() => this.#flush());
    this.#batchBytes += entryBytes(entry);
    if (this.#batch.length >= MAX_BATCH_EVENTS || this.#batchBytes >= MAX_BATCH_BYTES) this.#flush();
  }

  #flush(): void {
    const batch = this.#batch;
    const [first] = batch;
    if (!first) return;
    this.#batch = [];
    this.#batchBytes = 0;
    const frame = batch.length === 1 ? eventFrame(this.#prefix, first) : eventsFrame(this.id, batch.map(eventBody));
    this.#scheduler.sendFor(this, frame);
  }
}
