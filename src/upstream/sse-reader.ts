import type { EventSourceParser } from "eventsource-parser";
import { createParser } from "eventsource-parser";
import { Utf8Decoder } from "./utf8.ts";

/** Told synchronously, in the order of the bytes. */
export interface SseReceiver {
  event(name: string | undefined, data: string): void;
  /** Malformed UTF-8 was replaced in what follows. */
  malformed(): void;
  /** An event or a line is larger than allowed. Nothing after it can be trusted: read no further. */
  tooLarge(): void;
}

/** "data: " and such, which the parser's buffer holds besides the value. */
const FIELD_NAME_CHARACTERS = 8;

/** How much of a raw tail is kept: as much as of an error body. */
const MAX_TAIL_CHARACTERS = 65_536;

/** Turns the bytes of an event stream, cut anywhere, into events. Holds at most one event and one unfinished line. */
export class SseReader {
  readonly #decoder: Utf8Decoder;
  readonly #parser: EventSourceParser;
  #sawEvent = false;
  /** Text since a line that began with a brace, while no event came after it. */
  #tail: string[] | undefined;
  #tailCharacters = 0;
  #atLineStart = true;

  constructor(maxEventBytes: number, receiver: SseReceiver) {
    this.#decoder = new Utf8Decoder(() => receiver.malformed());
    this.#parser = createParser({
      maxBufferSize: maxEventBytes + FIELD_NAME_CHARACTERS,
      onEvent: ({ event, data }) => {
        this.#sawEvent = true;
        if (isLarger(data, maxEventBytes)) receiver.tooLarge();
        else receiver.event(event, data);
      },
      onError: ({ type }) => {
        if (type === "max-buffer-size-exceeded") receiver.tooLarge();
      },
    });
  }

  read(chunk: Buffer): void {
    const text = this.#decoder.decode(chunk);
    this.#sawEvent = false;
    this.#parser.feed(text);
    this.#watchTail(text);
  }

  /**
   * What stands unframed at the end of the body and looks like JSON. No line of an event stream begins with a brace,
   * but some providers end a 200 with a raw JSON error.
   */
  leftover(): string | undefined {
    return this.#tail?.join("").trim();
  }

  #watchTail(text: string): void {
    if (text === "") return;
    if (this.#sawEvent) this.#tail = undefined;
    if (this.#tail) {
      if (this.#tailCharacters < MAX_TAIL_CHARACTERS) this.#keep(text);
    } else if (this.#atLineStart && text.startsWith("{")) {
      this.#keep(text);
    } else {
      const line = text.indexOf("\n{");
      if (line !== -1) this.#keep(text.slice(line + 1));
    }
    this.#atLineStart = text.endsWith("\n");
  }

  #keep(text: string): void {
    if (!this.#tail) this.#tailCharacters = 0;
    this.#tail ??= [];
    this.#tail.push(text);
    this.#tailCharacters += text.length;
  }
}

/** Whether a text has more bytes than allowed; counts them only when its length leaves a doubt. */
function isLarger(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes);
}
