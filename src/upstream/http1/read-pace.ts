import { ReadBuffers } from "./read-buffers.ts";

/** A socket that reads at a shared pace. */
export interface PacedSocket {
  /** Its turn to read has come. */
  readOn(): void;
}

/**
 * How long the reads of all upstreams may occupy one turn of the event loop, in milliseconds: a small part of the delay at
 * which new streams are refused (`limits.streams.loopDelayMs`).
 */
const TURN_MS = 10;

/** Smaller reads are not counted: a socket that is emptied by one is not read again in the same turn. */
const LARGE_READ_BYTES = 4_096;

/**
 * Shares the event loop among upstreams that send as fast as they are read. The platform reads a socket up to 32 times a
 * turn, and all sockets before any client or timer gets its turn; 64 of them would occupy the loop for seconds.
 */
export class ReadPace {
  /** Where reads are kept until their turn. */
  readonly buffers = new ReadBuffers();
  readonly #now: () => number;
  /** Whose turn has not come yet, longest waiting first. */
  readonly #waiting = new Set<PacedSocket>();
  /** Clock reading at this loop turn's first large read. */
  #beganAt: number | undefined;

  /** `now`: a clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether a socket may handle this many bytes now. If not, `readOn` is called in one of the next turns. */
  admits(socket: PacedSocket, bytes: number): boolean {
    if (this.#waiting.has(socket)) return false;
    if (bytes < LARGE_READ_BYTES) return true;
    if (this.#beganAt === undefined) this.#begin();
    else if (this.#waiting.size > 0 || this.#isOver()) {
      this.#waiting.add(socket);
      return false;
    }
    return true;
  }

  /** The socket is closed. */
  forget(socket: PacedSocket): void {
    this.#waiting.delete(socket);
  }

  #begin(): void {
    this.#beganAt = this.#now();
    setImmediate(this.#nextTurn);
  }

  #isOver(): boolean {
    return this.#now() - (this.#beganAt ?? 0) >= TURN_MS;
  }

  readonly #nextTurn = (): void => {
    this.#beganAt = undefined;
    if (this.#waiting.size === 0) return;
    this.#begin();
    for (const socket of this.#waiting) {
      this.#waiting.delete(socket);
      socket.readOn();
      if (this.#isOver()) return;
    }
  };
}
