import type { ByteString } from "../../core/kernel/byte-string.ts";
import { jsonNesting } from "./json-nesting.ts";
import { type ResponseBody, WholeBody } from "./response-body.ts";
import { SseReader, type SseReceiver } from "./sse-reader.ts";
import { decode } from "./utf8.ts";

/** Told what the body of an answer brings. */
export interface AnswerReceiver extends SseReceiver {
  /** A chunk came; what it holds is told next. */
  received(): void;
  /**
   * The body ended in order, though perhaps inside an event (`isCut`). `leftover` is text that stood in it without the form
   * of an event.
   */
  ended(isCut: boolean, leftover?: string): void;
}

/** A stream of events. */
export class EventBody implements ResponseBody {
  readonly #receiver: AnswerReceiver;
  readonly #reader: SseReader;

  constructor(maxEventBytes: number, receiver: AnswerReceiver) {
    this.#receiver = receiver;
    this.#reader = new SseReader(maxEventBytes, receiver);
  }

  data(bytes: ByteString): void {
    this.#receiver.received();
    this.#reader.read(bytes);
  }

  end(): void {
    const { isCut, leftover } = this.#reader.end();
    this.#receiver.ended(isCut, leftover);
  }
}

/** One JSON value where a stream was asked for: the whole body is the only event. */
export function jsonBody(maxEventBytes: number, receiver: AnswerReceiver): ResponseBody {
  const body = new WholeBody(maxEventBytes, (bytes, whole) => {
    if (!whole) return receiver.tooLarge();
    const decoded = decode(bytes);
    if (jsonNesting(decoded.text) === "open") return receiver.ended(true);
    if (!decoded.wellFormed) receiver.malformed();
    receiver.event(undefined, decoded.text, decoded.bytes);
    receiver.ended(false);
  });
  return {
    data(bytes) {
      receiver.received();
      body.data(bytes);
    },
    end: () => body.end(),
  };
}
