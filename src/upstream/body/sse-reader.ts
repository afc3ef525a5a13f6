import { createParser, type EventSourceMessage, type EventSourceParser } from "eventsource-parser";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { bracedLineIn } from "./braced-line.ts";
import { jsonNesting } from "./json-nesting.ts";
import { LastEventProbe } from "./last-event.ts";
import { decodeBytes } from "./utf8.ts";

/** Receives the results of an `SseReader`, synchronously and in order. */
export interface SseReceiver {
  /** `bytes` is the data as UTF-8, one character per byte, and so is the name. */
  event(name: string | undefined, data: string, bytes: string): void;
  /** The next event had malformed UTF-8, which was replaced. */
  malformed(): void;
  /** An event or a line exceeds the limit. Nothing after it can be trusted: stop reading. */
  tooLarge(): void;
}

/** What the parser buffers besides an event's data: field names such as "data: ", and the probe for the last event. */
const FIELD_NAME_CHARACTERS = 16;

/** From this size on, in bytes, a read is not kept for its end. */
const LARGE_READ_BYTES = 4_096;

/** The most bytes kept of an unframed tail: as many as of an error body. */
const MAX_TAIL_BYTES = 65_536;

/**
 * Turns the bytes of an event stream, cut anywhere, into events. Holds at most one event and one unfinished line.
 *
 * The parser is given a character for each byte: the format's own characters are ASCII, so no decoder has to mind where a
 * chunk was cut, and what it finds is on its way out already in the form in which a socket writes it.
 */
export class SseReader {
  readonly #receiver: SseReceiver;
  readonly #maxEventBytes: number;
  readonly #parser: EventSourceParser;
  #sawEvent = false;
  /** Whether the parser has been given anything beyond ASCII since its last event. */
  #isWide = false;
  /** Bytes since a line that began with a brace, while no event came after it. */
  #tail: string[] | undefined;
  #tailBytes = 0;
  #atLineStart = true;
  /** A line feed that follows belongs to the line before. */
  #isAfterReturn = false;
  #isTooLarge = false;
  #probe: LastEventProbe | undefined;
  #heldBytes = 0;

  constructor(maxEventBytes: number, receiver: SseReceiver) {
    this.#receiver = receiver;
    this.#maxEventBytes = maxEventBytes;
    this.#parser = createParser({
      maxBufferSize: maxEventBytes + FIELD_NAME_CHARACTERS,
      onEvent: (message) => this.#event(message),
      onError: ({ type, line }) => {
        if (type === "unknown-field") this.#probe?.unknownLine(line ?? "");
        if (type !== "max-buffer-size-exceeded") return;
        this.#isTooLarge = true;
        receiver.tooLarge();
      },
    });
  }

  read(bytes: ByteString): void {
    const isPlain = isAscii(bytes);
    if (!isPlain) this.#isWide = true;
    this.#sawEvent = false;
    if (bytes.length < LARGE_READ_BYTES) this.#feed(bytes);
    else this.#feedLarge(bytes);
    this.#heldBytes = this.#sawEvent || endsInBlankLine(bytes) ? 0 : this.#heldBytes + bytes.length;
    // What is left in the parser came with this chunk.
    if (isPlain && this.#sawEvent) this.#isWide = false;
    this.#watchTail(bytes);
  }

  /**
   * How much may be held of an event whose end has not come: what came since the last event or blank line, except for the
   * rest of the chunk that brought it.
   */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * The body ended cleanly. An event that lacks only its blank line is emitted now. Returns whether the body ended inside an
   * event, and any unframed text that looks like JSON: some providers end a 200 with a raw JSON error, and no line of an
   * event stream begins with a brace or bracket.
   */
  end(): { readonly isCut: boolean; readonly leftover: string | undefined } {
    const leftover = this.#tail && Buffer.from(this.#tail.join(""), "latin1").toString("utf8").trim();
    if (this.#isTooLarge) return { isCut: false, leftover };
    this.#probe = new LastEventProbe();
    const { event, isCut } = this.#probe.run(this.#parser, this.#atLineStart);
    this.#probe = undefined;
    if (event) this.#event({ event: event.name, data: event.data });
    return { isCut: isCut || (leftover !== undefined && jsonNesting(leftover) === "open"), leftover };
  }

  /**
   * The parser keeps what is unfinished until more comes, and others the last event: with both in memory of their own, neither
   * keeps all of a read, nor is all of it joined to an unfinished line.
   */
  #feedLarge(bytes: ByteString): void {
    const first = this.#atLineStart ? 0 : bytes.indexOf("\n") + 1;
    const last = Math.max(first, lastEventAt(bytes));
    if (first > 0) this.#feed(copyOf(bytes.slice(0, first)));
    if (last > first) this.#feed(bytes.slice(first, last));
    this.#feed(copyOf(bytes.slice(last)));
  }

  #feed(bytes: ByteString): void {
    if (!this.#isTooLarge) this.#parser.feed(bytes);
  }

  #event(message: EventSourceMessage): void {
    const { event: name, data } = message;
    this.#sawEvent = true;
    if (this.#probe) this.#probe.message(message);
    else if (data.length > this.#maxEventBytes) this.#receiver.tooLarge();
    // One wide event of a chunk must not make its neighbours dear.
    else if (this.#isWide && !(isAscii(data) && isAscii(name))) this.#wideEvent(name, data);
    else this.#receiver.event(name, data, data);
  }

  #wideEvent(name: string | undefined, data: string): void {
    const { text, bytes, wellFormed } = decodeBytes(data);
    const decodedName = name === undefined ? undefined : decodeBytes(name);
    if (!wellFormed || decodedName?.wellFormed === false) this.#receiver.malformed();
    this.#receiver.event(decodedName?.bytes, text, bytes);
  }

  #watchTail(bytes: string): void {
    if (bytes === "") return;
    if (this.#sawEvent) this.#tail = undefined;
    if (this.#tail) this.#keep(bytes);
    else {
      const at = bracedLineIn(bytes, {
        isAtLineStart: this.#atLineStart,
        isAfterReturn: this.#isAfterReturn,
        hasEvent: this.#sawEvent,
      });
      if (at !== -1) this.#keep(bytes.slice(at));
    }
    this.#isAfterReturn = bytes.endsWith("\r");
    this.#atLineStart = this.#isAfterReturn || bytes.endsWith("\n");
  }

  #keep(bytes: string): void {
    if (!this.#tail) this.#tailBytes = 0;
    this.#tail ??= [];
    const kept = bytes.slice(0, MAX_TAIL_BYTES - this.#tailBytes);
    if (kept === "") return;
    this.#tail.push(kept);
    this.#tailBytes += kept.length;
  }
}

/** Whether a byte string is ASCII: any other character takes two bytes of UTF-8. */
const isAscii = (bytes = ""): boolean => Buffer.byteLength(bytes) === bytes.length;

/** Where the last complete event begins, if two end in these bytes with empty lines; else 0. */
function lastEventAt(bytes: ByteString): number {
  const end = bytes.lastIndexOf("\n\n");
  return end > 0 ? bytes.lastIndexOf("\n\n", end - 1) + 2 : 0;
}

/** The bytes in memory of their own, which a slice shares with what it was cut from. */
const copyOf = (bytes: ByteString): ByteString => Buffer.from(bytes, "latin1").toString("latin1");

/** Looks at the last two characters only: each chunk of a stream asks it. A CRLF counts as both of its characters. */
const endsInBlankLine = (bytes: string) =>
  bytes.endsWith("\n\n") || bytes.endsWith("\r\n\r\n") || bytes.endsWith("\r\r");
