import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Connection } from "../../core/ports/connection.ts";
import { Window } from "../../core/stream/flow.ts";

/** What one stream may send in its turn while others wait (4 KiB: 20 events of the median size). */
const QUANTUM_BYTES = 4_096;

/** One of the streams that share a socket. */
export interface Sharer {
  /** Whether its client acknowledges: only then is it held back by what is in flight. */
  readonly acknowledges: boolean;
  /** Goes on reading its log, asking `mayTake` before each entry. */
  wake(): void;
}

/**
 * Who may write to a socket. Whoever keeps up writes at once; when the socket is full, or too much is in flight, streams
 * wait in their logs and then take turns: deficit round robin, so that a stream with large events gets no more than one
 * with small ones. Replies, errors and ends do not ask.
 */
export class Scheduler {
  readonly #connection: Connection;
  readonly #inFlightBytes: number;
  /** In the order of their turns. */
  readonly #waiting = new Set<Sharer>();
  readonly #deficits = new Map<Sharer, number>();
  readonly #sharers = new Set<Sharer>();
  readonly #acknowledging = new Set<Sharer>();
  /** What the client has not received yet; counted while some stream acknowledges. */
  #inFlight: Window | undefined;
  #sent = 0;
  #turn: Sharer | undefined;
  /** Whoever's turn it is was refused: it has more to send. */
  #refused = false;

  constructor(connection: Connection, inFlightBytes: number) {
    this.#connection = connection;
    this.#inFlightBytes = inFlightBytes;
  }

  /** Sends one message. */
  send(frame: string): void {
    this.#sent++;
    this.#inFlight?.send(frame.length);
    this.#connection.send(frame);
  }

  /**
   * Sends one message of a stream whose turn it may be. Its first content leaves `now`: somebody waits for it. While it is
   * alone, what one read of its upstream brought leaves behind that; what several bring leaves with the turn.
   */
  sendFor(sharer: Sharer, frame: ByteString, isFirstContent = false): void {
    this.#sent++;
    this.#inFlight?.send(frame.length);
    this.#connection.sendBytes(frame, isFirstContent ? "now" : this.#sharers.size > 1 ? "turn" : "read");
    if (this.#turn === sharer) this.#deficits.set(sharer, this.#leftOf(sharer) - frame.length);
  }

  join(sharer: Sharer): void {
    this.#sharers.add(sharer);
    if (!sharer.acknowledges) return;
    this.#acknowledging.add(sharer);
    const limits = { maxBytes: this.#inFlightBytes, maxEntries: Number.POSITIVE_INFINITY };
    this.#inFlight ??= new Window(limits, this.#sent);
  }

  leave(sharer: Sharer): void {
    this.#sharers.delete(sharer);
    this.#waiting.delete(sharer);
    this.#deficits.delete(sharer);
    this.#acknowledging.delete(sharer);
    if (this.#acknowledging.size === 0) this.#inFlight = undefined;
  }

  /** The client has received this many messages. Throws `bad_frame` when that is more than were sent. */
  received(messages: number): void {
    if (messages > this.#sent) throw new GatewayError("bad_frame", "more received than was sent");
    this.#inFlight?.acknowledge(messages);
  }

  /** Whether this stream may send one more event now. If not, it gets its turn later. */
  mayTake(sharer: Sharer): boolean {
    if (this.#isFree(sharer) && this.#isTurnOf(sharer)) return true;
    this.#waiting.add(sharer);
    this.#refused = true;
    return false;
  }

  /** The socket, or the client, can take more: the streams that wait take turns until it cannot, or none is left. */
  run(): void {
    if (this.#turn) return;
    // A round may send nothing: whoever sent a large event pays for it with the turns of some rounds.
    while (this.#someoneCanGo()) for (const sharer of [...this.#waiting]) this.#take(sharer);
  }

  #take(sharer: Sharer): void {
    if (!this.#isFree(sharer) || !this.#waiting.has(sharer)) return;
    const left = this.#leftOf(sharer);
    this.#deficits.set(sharer, left > 0 ? left : left + QUANTUM_BYTES);
    this.#refused = this.#leftOf(sharer) <= 0;
    if (!this.#refused) {
      this.#turn = sharer;
      sharer.wake();
      this.#turn = undefined;
    }
    // Interrupted in its turn, it keeps its place and what is left of it, else small events would get less.
    if (this.#refused && this.#leftOf(sharer) > 0) return;
    this.#waiting.delete(sharer);
    if (this.#refused) this.#waiting.add(sharer);
    // Whoever has nothing left to send saves nothing for later.
    else this.#deficits.delete(sharer);
  }

  /** Outside of turns nobody goes before one that waits, unless what that one waits for is its own client. */
  #isTurnOf(sharer: Sharer): boolean {
    return this.#turn ? this.#turn === sharer && this.#leftOf(sharer) > 0 : !this.#someoneCanGo();
  }

  #leftOf(sharer: Sharer): number {
    return this.#deficits.get(sharer) ?? 0;
  }

  #someoneCanGo(): boolean {
    if (this.#waiting.size === 0) return false;
    for (const sharer of this.#waiting) if (this.#isFree(sharer)) return true;
    return false;
  }

  #isFree(sharer: Sharer): boolean {
    return this.#connection.writable && (!sharer.acknowledges || (this.#inFlight?.admits(1) ?? true));
  }
}
