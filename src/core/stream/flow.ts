import { GatewayError } from "../kernel/errors.ts";

export interface WindowLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/**
 * Credit: what was sent and not yet acknowledged, counted in bytes and in things, because memory suffers from both.
 * Pure arithmetic, used for the events of one stream and for the messages of one connection. Numbers count from 1 in
 * the order of sending.
 */
export class Window {
  readonly #limits: WindowLimits;
  /** Sizes of what is not acknowledged, oldest first, from `#start` on. */
  #sizes: number[] = [];
  #start = 0;
  #acked: number;
  #sent: number;
  #bytes = 0;

  /** `from` is the number after which counting begins. */
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

  /** Whether `bytes` more fit. Into an empty window everything does: a large event must pass some time. */
  admits(bytes: number): boolean {
    const waiting = this.#sent - this.#acked;
    return waiting === 0 || (waiting < this.#limits.maxEntries && this.#bytes + bytes <= this.#limits.maxBytes);
  }

  /** One more was sent. */
  send(bytes: number): void {
    this.#sent++;
    this.#bytes += bytes;
    this.#sizes.push(bytes);
  }

  /** Everything up to `number` arrived. Repeated and older ones do nothing; one beyond what was sent is `bad_frame`. */
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
