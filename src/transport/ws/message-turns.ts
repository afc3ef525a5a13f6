import type { InboundReservation } from "../../core/caller/inbound-budget.ts";

export interface MessageTurnsParts {
  /** Hands a message to its face. */
  readonly handle: (text: string) => void;
  /** Whether messages still are wanted. */
  readonly isOpen: () => boolean;
  /** Holds back whatever comes behind the message, and goes on with it. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/** From here on a message is decoded in a turn of the event loop of its own: 1 MiB takes about a millisecond. */
const LARGE_BYTES = 1024 * 1024;

interface Waiting {
  readonly data: Buffer;
  readonly reservation: InboundReservation | undefined;
}

/**
 * Hands messages over in their order: small ones at once, large ones a turn of the event loop later and decoded in one of
 * their own, so that other sockets have theirs between. Meanwhile the socket is not read.
 */
export class MessageTurns {
  readonly #parts: MessageTurnsParts;
  readonly #waiting: Waiting[] = [];

  constructor(parts: MessageTurnsParts) {
    this.#parts = parts;
  }

  /** `reservation` is given back when the message is handed over, or never will be. */
  take(data: Buffer, reservation: InboundReservation | undefined): void {
    const isIdle = this.#waiting.length === 0;
    if (isIdle && data.length < LARGE_BYTES) {
      this.#handOver(data.toString("utf8"), reservation);
      return;
    }
    this.#waiting.push({ data, reservation });
    if (!isIdle) return;
    this.#parts.pause();
    setImmediate(() => this.#decode());
  }

  /** The socket is gone. */
  close(): void {
    for (const { reservation } of this.#waiting.splice(0)) reservation?.release();
  }

  #decode(): void {
    const [next] = this.#waiting;
    if (!next) return;
    const text = next.data.toString("utf8");
    setImmediate(() => {
      // Gone meanwhile, and given back.
      if (this.#waiting[0] !== next) return;
      this.#handOver(text, next.reservation);
      this.#waiting.shift();
      if (this.#waiting.length > 0) setImmediate(() => this.#decode());
      else this.#parts.resume();
    });
  }

  #handOver(text: string, reservation: InboundReservation | undefined): void {
    // From here on it counts where it goes to: as a request, or in its conversation.
    reservation?.release();
    if (this.#parts.isOpen()) this.#parts.handle(text);
  }
}
