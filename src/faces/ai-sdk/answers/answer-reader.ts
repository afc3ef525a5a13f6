import type { Code } from "../../../../protocol/codes.ts";
import type { Delta } from "../../../core/dialect/dialect.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Reader, ReaderSink } from "../../../core/stream/reader.ts";
import type { Attachment } from "../../../core/stream/registered-stream.ts";
import type { Scheduler, Sharer } from "../../../core/stream/scheduler.ts";
import type { Entry } from "../../../core/stream/stream-log.ts";
import type { Terminal } from "../../../core/stream/terminal.ts";
import { inWords } from "../../chat/failure-words.ts";
import { chunkFrame, chunkPrefix, endFrame, errorFrame } from "../frames/server-frame.ts";
import { AnswerChunks, type Chunk, errorChunk } from "../messages/answer-chunks.ts";
import type { Answer } from "./answer.ts";
import type { EntryDeltas } from "./entry-deltas.ts";

/** What a reader is made of. */
export interface AnswerReaderParts {
  readonly requestId: string;
  readonly answer: Answer;
  readonly deltas: EntryDeltas;
  readonly scheduler: Scheduler;
  /** The first sequence to send: a client that resumes may have the ones before. */
  readonly from: number;
  /** What the client is to have of the message before the answer: it begins with an empty one. */
  readonly earlier: readonly Chunk[];
  /** Called when nothing more comes. `why`: undefined if the client has everything. */
  readonly over: (why?: Code) => void;
}

/** One request's view of an answer: its chunks from the first on, numbered from 0, at the socket's pace. */
export class AnswerReader implements ReaderSink, Sharer, Attachment {
  readonly answer: Answer;
  /** The protocol has no acknowledgements: what a slow client does not read stays in the log. */
  readonly acknowledges = false;
  readonly #parts: AnswerReaderParts;
  readonly #chunks: AnswerChunks;
  readonly #prefix: string;
  readonly #reader: Reader;
  #sequence = 0;
  #hasBegun = false;

  constructor(parts: AnswerReaderParts) {
    this.#parts = parts;
    this.answer = parts.answer;
    this.#chunks = new AnswerChunks(parts.answer.facts);
    this.#prefix = chunkPrefix(parts.requestId);
    parts.scheduler.join(this);
    parts.answer.join(this);
    this.#reader = this.answer.stream.addReader(this, 0);
  }

  wake(): void {
    this.#reader.wake();
  }

  /** Stops reading. The answer continues for its grace time. */
  leave(why: Code): void {
    this.#stop(why);
  }

  detached(why: Code): void {
    this.#fail(new GatewayError(why));
  }

  // ── as the reader's sink ──────────────────────────────────────────────────────────────────────────────────────────

  push(entry: Entry, live: Delta | undefined): boolean {
    if (!this.#parts.scheduler.mayTake(this)) return false;
    const { stream } = this.answer;
    const isFirstContent = entry.hasContent && stream.firstSentMs === undefined;
    const chunks = this.#chunks.add(this.#parts.deltas.of(entry, live));
    if (chunks.length > 0) this.#begin();
    for (const chunk of chunks) this.#send(chunk, isFirstContent);
    if (isFirstContent) stream.contentSent();
    return true;
  }

  end(terminal: Terminal): void {
    this.#stop();
    const { usage, finish } = terminal;
    const { isStopped } = this.answer;
    const error = isStopped
      ? undefined
      : terminal.error && inWords(terminal.error, terminal.target?.route ?? this.answer.facts.route);
    if (error && !this.#hasBegun) {
      this.#refuse(error);
      return;
    }
    this.#begin();
    if (error) this.#send(errorChunk(error), false);
    const metadata = { usage, ...(finish !== undefined && { finish }) };
    const ending = { ...(finish !== undefined && { finish }), ...(error && { error }), isStopped };
    for (const chunk of this.#chunks.end(ending, metadata)) this.#send(chunk, false);
    this.#parts.scheduler.send(endFrame(this.#parts.requestId));
  }

  failed(): void {
    this.#fail(new GatewayError("internal"));
  }

  #fail(error: GatewayError): void {
    this.#stop(error.code);
    this.#refuse(inWords(error, this.answer.facts.route));
  }

  #refuse(error: GatewayError): void {
    this.#send(errorChunk(error), false);
    this.#parts.scheduler.send(errorFrame(this.#parts.requestId, error.message));
  }

  #stop(why?: Code): void {
    this.#reader.detach();
    this.#parts.scheduler.leave(this);
    this.answer.leave(this, why);
    this.#parts.over(why);
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    for (const chunk of this.#chunks.begin(this.#parts.earlier)) this.#send(chunk, false);
  }

  #send(chunk: Chunk, isFirstContent: boolean): void {
    const sequence = this.#sequence++;
    if (sequence < this.#parts.from) return;
    this.#parts.scheduler.sendFor(this, chunkFrame(this.#prefix, sequence, chunk), isFirstContent);
  }
}
