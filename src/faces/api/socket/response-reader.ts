import type { Code } from "../../../../protocol/codes.ts";
import { type ByteString, fromByteString } from "../../../core/kernel/byte-string.ts";
import { asArray, asObject, asString, type JsonObject, type JsonValue, parseJson } from "../../../core/kernel/json.ts";
import { firstEvent, keptEvent } from "../../../core/stream/kept-event.ts";
import type { Reader, ReaderSink } from "../../../core/stream/reader.ts";
import type { Attachment, RegisteredStream } from "../../../core/stream/registered-stream.ts";
import type { Scheduler, Sharer } from "../../../core/stream/scheduler.ts";
import type { Stream } from "../../../core/stream/stream.ts";
import type { Entry } from "../../../core/stream/stream-log.ts";
import type { Terminal } from "../../../core/stream/terminal.ts";
import type { Conversation } from "./conversation.ts";
import { outputAsInput } from "./conversation-items.ts";
import { eventFrame, lanePrefix } from "./frames.ts";

/** The event with a finished item of the output. */
const ITEM_DONE = "response.output_item.done";

/** The events with the output as a whole. */
const FINAL = ["response.completed", "response.incomplete"];

/** What a reader is made of. */
export interface ResponseReaderParts {
  readonly lane: string | undefined;
  readonly registered: RegisteredStream;
  readonly scheduler: Scheduler;
  /** Gets the finished items; undefined if nothing is to be kept of the response. */
  readonly conversation: Conversation | undefined;
  /** The stream has ended and everything before it was sent. */
  readonly ended: (reader: ResponseReader, terminal: Terminal) => void;
  /** It lost the stream before its end. */
  readonly lost: (reader: ResponseReader, why: Code) => void;
}

/** One response on one socket: relays its events, and adds the output to its conversation. */
export class ResponseReader implements ReaderSink, Sharer, Attachment {
  readonly lane: string | undefined;
  readonly registered: RegisteredStream;
  /** The protocol has no acknowledgements: what a slow client does not read stays in the log. */
  readonly acknowledges = false;
  readonly #parts: ResponseReaderParts;
  readonly #reader: Reader;
  readonly #prefix: ByteString;
  #first: Entry | undefined;
  #last: Entry | undefined;
  /** What the first event says, which may be as long as the request. */
  #firstId: { readonly id: string | undefined } | undefined;

  constructor(parts: ResponseReaderParts) {
    this.lane = parts.lane;
    this.registered = parts.registered;
    this.#parts = parts;
    this.#prefix = lanePrefix(parts.lane);
    parts.scheduler.join(this);
    this.#reader = this.stream.addReader(this, 0);
  }

  get stream(): Stream {
    return this.registered.stream;
  }

  /** The first and the last event sent; undefined before there was one. */
  get sent(): { readonly first: Entry; readonly last: Entry } | undefined {
    return this.#first && this.#last && { first: this.#first, last: this.#last };
  }

  /** The provider's id of the response; undefined before its first event. */
  get responseId(): string | undefined {
    if (!this.#first) return undefined;
    this.#firstId ??= { id: asString(responseIn(this.#first)?.id) };
    return this.#firstId.id;
  }

  /** The response as its last event has it: its id, and the items of its output. */
  get final(): { readonly id: string | undefined; readonly output: readonly JsonValue[] } {
    const { id, output } = responseIn(this.#last) ?? {};
    return { id: asString(id) ?? this.responseId, output: asArray(output) };
  }

  wake(): void {
    this.#reader.wake();
  }

  /** Stops reading; the stream continues. */
  leave(): void {
    this.#reader.detach();
    this.#parts.scheduler.leave(this);
  }

  detached(why: Code): void {
    this.leave();
    this.#parts.lost(this, why);
  }

  push(entry: Entry): boolean {
    const { scheduler } = this.#parts;
    if (!scheduler.mayTake(this)) return false;
    const frame = eventFrame(entry, this.#prefix);
    if (frame === undefined) return true;
    // The last event is let go with the response, and has its whole output.
    this.#last = isFinal(entry) ? entry : keptEvent(entry);
    this.#first ??= firstEvent(entry);
    if (isItem(entry)) this.#collect(entry);
    const isFirstContent = entry.hasContent && this.stream.firstSentMs === undefined;
    scheduler.sendFor(this, frame, isFirstContent);
    if (isFirstContent) this.stream.contentSent();
    return true;
  }

  end(terminal: Terminal): void {
    this.leave();
    this.#parts.ended(this, terminal);
  }

  failed(): void {
    this.#parts.scheduler.leave(this);
    this.#parts.lost(this, "internal");
  }

  #collect(entry: Entry): void {
    const { conversation } = this.#parts;
    const item = conversation && !conversation.isForgotten ? jsonOf(entry)?.item : undefined;
    if (item !== undefined) for (const kept of outputAsInput([item])) conversation?.add(kept);
  }
}

const isOf = ({ event, data }: Entry, type: string): boolean =>
  event === type || (event === undefined && data.startsWith(`{"type":"${type}"`));

const isItem = (entry: Entry): boolean => isOf(entry, ITEM_DONE);

const isFinal = (entry: Entry): boolean => FINAL.some((type) => isOf(entry, type));

const jsonOf = (entry: Entry | undefined): JsonObject | undefined =>
  entry && asObject(parseJson(fromByteString(entry.data)));

const responseIn = (entry: Entry | undefined): JsonObject | undefined => asObject(jsonOf(entry)?.response);
