import { GatewayError } from "../kernel/errors.ts";

/** How much may be unacknowledged at once. */
export interface WindowLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/**
 * A credit window over what was sent and not yet acknowledged, limited in bytes and in entries because both take memory. Used
 * for a stream's events and for a connection's messages, which are numbered from 1 in the order of sending.
 */
export class Window {
  readonly #limits: WindowLimits;
  /** The sizes of what is unacknowledged, oldest first, from index `#start`. */
  #sizes: number[] = [];
  #start = 0;
  #acked: number;
  #sent: number;
  #bytes = 0;

  /** `from`: the number before the first one counted. */
  constructor(limits: WindowLimits, from = 0) {
    this.#limits = limits;
    this.#acked = this.#sent = from;
  }

  get acked(): number {
    return this.#acked;
  }

  get sent(): number {
    return this.#sent;
  }

  get unackedBytes(): number {
    return this.#bytes;
  }

  /** Whether `bytes` more fit. An empty window admits any size, so that large events pass. */
  admits(bytes: number): boolean {
    const waiting = this.#sent - this.#acked;
    return waiting === 0 || (waiting < this.#limits.maxEntries && this.#bytes + bytes <= this.#limits.maxBytes);
  }

  /** Counts one more sent. */
  send(bytes: number): void {
    this.#sent++;
    this.#bytes += bytes;
    this.#sizes.push(bytes);
  }

  /** Everything up to `number` arrived; repeated and older numbers do nothing. Throws `bad_frame` beyond what was sent. */
  acknowledge(number: number): void {
    if (number > this.#sent) {
      throw new GatewayError("bad_frame", "acknowledges more than was sent", { details: { sent: this.#sent } });
    }
    while (this.#acked < number) {
      this.#acked++;
      this.#bytes -= this.#sizes[this.#start++] ?? 0;
    }
    if (this.#start * 2 > this.#sizes.length) {
      this.#sizes = this.#sizes.slice(this.#start);
      this.#start = 0;
    }
  }
}
