import type { InboundReservation } from "../../core/caller/inbound-budget.ts";

/** What handling messages needs of their connection. */
export interface MessageTurnsParts {
  /** Passes a message to its face. */
  readonly handle: (text: string) => void;
  /** Whether messages are still accepted. */
  readonly isOpen: () => boolean;
  /** Keeps back everything after the message, until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Reads the monotonic clock, in milliseconds. */
  readonly now: () => number;
}

/** A message this large is decoded in its own turn of the event loop: 1 MiB takes about a millisecond. */
const LARGE_BYTES = 1024 * 1024;

/** After a message that took this long, the next one waits for another turn: a few hundred of them would stop everyone else. */
const LONG_MS = 4;

interface Waiting {
  readonly data: Buffer;
  readonly reservation: InboundReservation | undefined;
}

/**
 * Handles messages in order: small ones at once, large ones and those after a slow one a turn of the event loop later and
 * decoded in a separate turn, so that other sockets get turns in between. Meanwhile the socket is not read.
 */
export class MessageTurns {
  readonly #parts: MessageTurnsParts;
  readonly #waiting: Waiting[] = [];
  /** A message of this turn of the event loop took long. */
  #isTired = false;

  constructor(parts: MessageTurnsParts) {
    this.#parts = parts;
  }

  /** Takes a message. Releases `reservation` when the message is handled or dropped. */
  take(data: Buffer, reservation: InboundReservation | undefined): void {
    const isIdle = this.#waiting.length === 0;
    if (isIdle && !this.#isTired && data.length < LARGE_BYTES) {
      this.#handOver(data.toString("utf8"), reservation);
      return;
    }
    this.#waiting.push({ data, reservation });
    if (!isIdle) return;
    this.#parts.pause();
    setImmediate(() => this.#decode());
  }

  /** The socket has closed: drops waiting messages. */
  close(): void {
    for (const { reservation } of this.#waiting.splice(0)) reservation?.release();
  }

  #decode(): void {
    const [next] = this.#waiting;
    if (!next) return;
    const text = next.data.toString("utf8");
    setImmediate(() => {
      // The socket closed meanwhile; the reservation is released.
      if (this.#waiting[0] !== next) return;
      this.#handOver(text, next.reservation);
      this.#waiting.shift();
      if (this.#waiting.length > 0) setImmediate(() => this.#decode());
      else this.#parts.resume();
    });
  }

  #handOver(text: string, reservation: InboundReservation | undefined): void {
    // From here on, the request or conversation it becomes is counted instead.
    reservation?.release();
    if (!this.#parts.isOpen()) return;
    const before = this.#parts.now();
    this.#parts.handle(text);
    if (this.#isTired || this.#parts.now() - before < LONG_MS) return;
    this.#isTired = true;
    setImmediate(() => {
      this.#isTired = false;
    });
  }
}
