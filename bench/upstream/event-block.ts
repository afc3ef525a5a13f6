import { writeDigits } from "../payload/digits.ts";
import { type EventLayout, KEY_DIGITS, SEQ_DIGITS, TIME_DIGITS, variantOf } from "../payload/event-layout.ts";

const END = Buffer.from("\r\n", "latin1");
/** Room for the chunk's size in front of its body. */
const HEAD_ROOM = 10;

/**
 * One write of a stream: several events as one HTTP chunk. The events that take turns are laid out anew only if the write
 * begins with another one than the last write; the stamps are new in every write.
 */
export class EventBlock {
  readonly events: number;
  readonly #layout: EventLayout;
  readonly #key: number;
  readonly #room: Buffer;
  /** Where each event's JSON starts. */
  readonly #starts: Int32Array;
  #first = -1;
  #bytes: Buffer;

  constructor(key: number, events: number, layout: EventLayout) {
    this.events = events;
    this.#layout = layout;
    this.#key = key;
    const longest = Math.max(...layout.variants.map(({ sse }) => sse.length));
    this.#room = Buffer.alloc(HEAD_ROOM + events * longest + END.length);
    this.#starts = new Int32Array(events);
    this.#bytes = this.#room;
  }

  /** The chunk as stamped last. The next stamp changes these bytes. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Numbers the events from `seq` on and stamps them with one time. */
  stamp(seq: number, timeUs: number): void {
    const first = (seq - 1) % this.#layout.variants.length;
    if (first !== this.#first) this.#lay(first, seq);
    const { seqAt, timeAt, headSeqsAt } = this.#layout;
    for (let index = 0; index < this.events; index++) {
      const at = this.#starts[index] ?? 0;
      writeDigits(this.#room, at + seqAt, SEQ_DIGITS, seq + index);
      writeDigits(this.#room, at + timeAt, TIME_DIGITS, timeUs);
      for (const seqsAt of headSeqsAt) writeDigits(this.#room, at + seqsAt, SEQ_DIGITS, seq + index);
    }
  }

  #lay(first: number, seq: number): void {
    const { jsonAt, keyAt, headKeysAt } = this.#layout;
    let at = HEAD_ROOM;
    for (let index = 0; index < this.events; index++) {
      const sse = variantOf(this.#layout, seq + index)?.sse ?? END;
      this.#room.set(sse, at);
      this.#starts[index] = at + jsonAt;
      writeDigits(this.#room, at + jsonAt + keyAt, KEY_DIGITS, this.#key);
      for (const keysAt of headKeysAt) writeDigits(this.#room, at + jsonAt + keysAt, KEY_DIGITS, this.#key);
      at += sse.length;
    }
    const head = `${(at - HEAD_ROOM).toString(16)}\r\n`;
    this.#room.write(head, HEAD_ROOM - head.length, "latin1");
    this.#room.set(END, at);
    this.#bytes = this.#room.subarray(HEAD_ROOM - head.length, at + END.length);
    this.#first = first;
  }
}

/** Bytes as one HTTP chunk; nothing for no bytes, which would end the body. */
export const chunkOf = (body: Buffer): Buffer =>
  body.length === 0 ? body : Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, END]);
