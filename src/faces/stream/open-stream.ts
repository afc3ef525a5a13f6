import type { Code } from "../../../protocol/codes.ts";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { Reader, ReaderSink } from "../../core/stream/reader.ts";
import type { Attachment, RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { Scheduler, Sharer } from "../../core/stream/scheduler.ts";
import type { Stream } from "../../core/stream/stream.ts";
import { type Entry, entryBytes } from "../../core/stream/stream-log.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import { Window, type WindowLimits } from "../../core/stream/window.ts";
import { eventBody } from "../../core/stream/wire.ts";
import { endFrame, eventFrame, eventPrefix, eventsFrame } from "./frames.ts";

/** The most that one batched frame holds: a batch counts against no limit until it is sent. */
const MAX_BATCH_EVENTS = 64;
const MAX_BATCH_BYTES = 65_536;

/** One stream on one socket: its registration, its id there, and the way to the client. */
export interface OpenStreamParts {
  /** The client's name for the stream on this connection. */
  readonly id: string;
  readonly registered: RegisteredStream;
  /** The sequence after which it starts. */
  readonly after: number;
  readonly scheduler: Scheduler;
  /** The flow-control window, if the client acknowledges. */
  readonly window: WindowLimits | undefined;
  readonly batch: boolean;
  /** Called when the end was sent. `handled`: the client has acknowledged everything before it. */
  readonly ended: (handled: boolean) => void;
  /** Called when another reader took the stream over or it was removed. */
  readonly detached: (why: Code) => void;
  /** Called after a fault of ours. */
  readonly failed: () => void;
}

/** One stream on one connection: a reader of its log that encodes entries as frames. */
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
  #hasSent = false;

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

  /** Starts or resumes reading. */
  wake(): void {
    this.#reader.wake();
    // Within its turn, so that the turn is charged for it.
    this.#flush();
  }

  /** Throws `bad_frame` if `seq` was not sent yet. */
  acknowledge(seq: number): void {
    this.#reader.acknowledge(seq);
  }

  /** Stops reading; the stream continues. */
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
    // A user waits for it, and the same read may hold the rest of the answer, which takes longer to process.
    const isFirstContent = entry.hasContent && !this.#hasContent;
    if (this.#parts.batch) this.#collect(entry);
    else this.#scheduler.sendFor(this, eventFrame(this.#nextPrefix(), entry), isFirstContent);
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

  /** Events of one callback share a frame. It is sent when the callback returns, so no event waits for a later one. */
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
    const isFirst = !this.#hasSent;
    const prefix = this.#nextPrefix();
    const dialect = isFirst ? this.stream.toldDialect : undefined;
    const frame = batch.length === 1 ? eventFrame(prefix, first) : eventsFrame(this.id, batch.map(eventBody), dialect);
    this.#scheduler.sendFor(this, frame);
  }

  /** The first frame of events names their dialect, if the client must be told. */
  #nextPrefix(): ByteString {
    if (this.#hasSent) return this.#prefix;
    this.#hasSent = true;
    return eventPrefix(this.id, this.stream.toldDialect);
  }
}
