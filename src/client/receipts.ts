import type { Ack } from "./wire.ts";

/** When to acknowledge (protocol/README.md, Flow control). */
const ACK_BYTES = 65_536;
const ACK_EVENTS = 64;

/**
 * What one socket owes the gateway as acknowledgements. Messages are received when they arrive and events handled when
 * the application asks for the next one: confusing the two would let one stalled stream stop all others.
 */
export class Receipts {
  #received = 0;
  #receivedBytes = 0;
  #handled: Record<string, number> = {};
  #handledBytes = 0;
  #handledEvents = 0;
  #owes = false;

  /** A message of this size arrived. */
  arrived(bytes: number): void {
    this.#received++;
    this.#receivedBytes += bytes;
    this.#owes = true;
  }

  /** All events of a stream up to `seq` are handled; the newest has this size. `seq` must have arrived on this socket. */
  handled(id: string, seq: number, bytes: number): void {
    this.#handled[id] = seq;
    this.#handledBytes += bytes;
    this.#handledEvents++;
    this.#owes = true;
  }

  /** Whether anything is unacknowledged. */
  get owes(): boolean {
    return this.#owes;
  }

  /** Whether so much is that it must not wait. */
  get isDue(): boolean {
    return this.#receivedBytes >= ACK_BYTES || this.#handledBytes >= ACK_BYTES || this.#handledEvents >= ACK_EVENTS;
  }

  /** The acknowledgement of everything so far. */
  take(): Ack {
    const streams = this.#handled;
    this.#handled = {};
    this.#receivedBytes = this.#handledBytes = this.#handledEvents = 0;
    this.#owes = false;
    return { type: "ack", received: this.#received, streams };
  }
}
