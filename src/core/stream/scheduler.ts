import type { ByteString } from "../kernel/byte-string.ts";
import { GatewayError } from "../kernel/errors.ts";
import { Window } from "./window.ts";

/** How much a stream may send in its turn while others wait: 4 KiB, 20 events of the median size. */
const QUANTUM_BYTES = 4_096;

/**
 * When a frame is written at the latest: now, at the end of the upstream read that caused it, or at the end of this turn of
 * the event loop.
 */
export type SendTime = "now" | "read" | "turn";

/** A socket as its streams use it. */
export interface SharedSocket {
  /** Queues a text frame, written at the end of this loop turn. */
  send(frame: string): void;
  /** Queues a text frame given as UTF-8. It is written at `when`, together with everything queued before it. */
  sendBytes(frame: ByteString, when: SendTime): void;
  /** Whether stream frames may be sent now. */
  readonly writable: boolean;
}

/** A stream that shares a socket with others. */
export interface Sharer {
  /** Whether its client acknowledges: only then does the in-flight limit apply. */
  readonly acknowledges: boolean;
  /** Resumes reading the log, with a call of `mayTake` before each entry. */
  wake(): void;
}

/**
 * Shares a socket among streams. While there is room, each stream writes at once. When the socket is full or too much is
 * in flight, streams wait in their logs and then take turns by deficit round robin, so that a stream with large events
 * gets no more than one with small ones. Replies, errors and ends are always sent.
 */
export class Scheduler {
  readonly #connection: SharedSocket;
  readonly #inFlightBytes: number;
  /** In order of their turns. */
  readonly #waiting = new Set<Sharer>();
  readonly #deficits = new Map<Sharer, number>();
  readonly #sharers = new Set<Sharer>();
  readonly #acknowledging = new Set<Sharer>();
  /** Sent and not yet received; counted while any stream acknowledges. */
  #inFlight: Window | undefined;
  #sent = 0;
  #turn: Sharer | undefined;
  /** Whether the stream whose turn it is was refused, and so has more to send. */
  #refused = false;

  /** `inFlightBytes` applies while a stream acknowledges. */
  constructor(connection: SharedSocket, inFlightBytes = Number.POSITIVE_INFINITY) {
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
   * Sends one message of a stream. Its first content is written `now`, because a user waits for it. Everything else is
   * written after the current read while the stream is alone on its socket, and at the end of the loop turn otherwise.
   */
  sendFor(sharer: Sharer, frame: ByteString, isFirstContent = false): void {
    this.#sent++;
    this.#inFlight?.send(frame.length);
    this.#connection.sendBytes(frame, isFirstContent ? "now" : this.#sharers.size > 1 ? "turn" : "read");
    if (this.#turn === sharer) this.#deficits.set(sharer, this.#leftOf(sharer) - frame.length);
  }

  /** Adds a stream to the socket. */
  join(sharer: Sharer): void {
    this.#sharers.add(sharer);
    if (!sharer.acknowledges) return;
    this.#acknowledging.add(sharer);
    const limits = { maxBytes: this.#inFlightBytes, maxEntries: Number.POSITIVE_INFINITY };
    this.#inFlight ??= new Window(limits, this.#sent);
  }

  /** Removes a stream from the socket. */
  leave(sharer: Sharer): void {
    this.#sharers.delete(sharer);
    this.#waiting.delete(sharer);
    this.#deficits.delete(sharer);
    this.#acknowledging.delete(sharer);
    if (this.#acknowledging.size === 0) this.#inFlight = undefined;
  }

  /** The client has received this many messages. Throws `bad_frame` if that is more than were sent. */
  received(messages: number): void {
    if (messages > this.#sent) throw new GatewayError("bad_frame", "more received than was sent");
    this.#inFlight?.acknowledge(messages);
  }

  /** Whether this stream may send an event now. If not, it gets its turn later. */
  mayTake(sharer: Sharer): boolean {
    if (this.#isFree(sharer) && this.#isTurnOf(sharer)) return true;
    this.#waiting.add(sharer);
    this.#refused = true;
    return false;
  }

  /** The socket or the client can take more: waiting streams take turns until it cannot, or until none is left. */
  run(): void {
    if (this.#turn) return;
    // A round may send nothing: a stream pays for a large event with its next turns.
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
    // Interrupted in its turn, it keeps its place and the rest of its quantum; else small events would get less.
    if (this.#refused && this.#leftOf(sharer) > 0) return;
    this.#waiting.delete(sharer);
    if (this.#refused) this.#waiting.add(sharer);
    // A stream with nothing left to send saves no quantum.
    else this.#deficits.delete(sharer);
  }

  /** Outside of turns no stream overtakes a waiting one, unless that one waits for its own client. */
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
