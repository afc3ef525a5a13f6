import { writeDigits } from "../payload/digits.ts";
import { KEY_DIGITS, layoutFor, SEQ_DIGITS, SSE_PREFIX, TIME_DIGITS } from "../payload/event-layout.ts";

/** One write of a stream: several events as one HTTP chunk, built once and re-stamped for each write. */
export class EventBlock {
  readonly bytes: Buffer;
  readonly events: number;
  readonly #firstAt: number;
  readonly #stride: number;
  readonly #seqAt: number;
  readonly #timeAt: number;

  constructor(key: number, events: number, eventBytes: number) {
    const layout = layoutFor(eventBytes);
    const body = Buffer.concat(Array.from({ length: events }, () => layout.sse));
    const head = Buffer.from(`${body.length.toString(16)}\r\n`, "latin1");
    this.bytes = Buffer.concat([head, body, Buffer.from("\r\n", "latin1")]);
    this.events = events;
    this.#firstAt = head.length + SSE_PREFIX.length;
    this.#stride = layout.sse.length;
    this.#seqAt = layout.seqAt;
    this.#timeAt = layout.timeAt;
    for (let index = 0; index < events; index++) {
      writeDigits(this.bytes, this.#firstAt + index * this.#stride + layout.keyAt, KEY_DIGITS, key);
    }
  }

  /** Numbers the events from `seq` on and stamps them with one time. */
  stamp(seq: number, timeUs: number): void {
    for (let index = 0; index < this.events; index++) {
      const at = this.#firstAt + index * this.#stride;
      writeDigits(this.bytes, at + this.#seqAt, SEQ_DIGITS, seq + index);
      writeDigits(this.bytes, at + this.#timeAt, TIME_DIGITS, timeUs);
    }
  }
}
