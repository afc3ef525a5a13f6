import { nextTick } from "node:process";
import type { Code } from "../../../protocol/codes.ts";
import type { InboundReservation } from "../../core/caller/inbound-budget.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { toGatewayError } from "../../core/kernel/errors.ts";
import { type PaceLimits, SenderPace } from "../admit/sender-pace.ts";
import { type FrameHead, FrameHeads } from "./frame-heads.ts";
import { SplitFrame } from "./split-frame.ts";

/** What an intake needs of its connection. */
export interface IntakeParts {
  /** Pauses and resumes reading the socket. */
  readonly reading: { pause(): void; resume(): void };
  /** Passes complete frames to `ws`, which responds or emits the message before this returns. */
  readonly feed: (frames: Buffer) => void;
  /** The current limit on a message. */
  readonly maxMessageBytes: () => number;
  /** Counts bytes. Returns why to refuse them. */
  readonly came: (bytes: number) => Code | undefined;
  /** Reserves memory for an unfinished message. Throws `overloaded`. */
  readonly reserve: (bytes: number) => InboundReservation;
  readonly refuse: (code: Code) => void;
  readonly pace: PaceLimits;
  readonly clock: Clock;
}

/** Memory `ws` takes per fragment besides its bytes, for a buffer and a list entry (330 measured). */
const FRAGMENT_BYTES = 512;

const NOTHING = Buffer.alloc(0);

const CONTINUATION = 0x0;
const BINARY = 0x2;
const CLOSE = 0x8;
const PONG = 0xa;
const MAX_CONTROL_BYTES = 125;

/** A message not yet complete. */
interface Unfinished {
  bytes: number;
  fragments: number;
  readonly pace: SenderPace;
  reservation?: InboundReservation;
}

/**
 * Inspects a socket's bytes before `ws` sees them, and counts them as they arrive and as frame heads announce them. A
 * message within one read is not buffered here. For a longer one, the announced bytes are reserved before any is kept.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #heads = new FrameHeads();
  #split: { readonly frame: SplitFrame; readonly head: FrameHead } | undefined;
  #message: Unfinished | undefined;
  #isIgnoring = false;
  /** Bytes that arrived after a message still being handled; undefined while there is none. */
  #held: Buffer | undefined;
  /** `ws` has refused a frame, or the socket is closed. */
  #isOver = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Takes bytes from the socket. */
  read(chunk: Buffer): void {
    if (this.#isIgnoring) return;
    const fault = this.#parts.came(chunk.length);
    if (fault) this.#refuse(fault);
    else if (this.#held) this.#held = Buffer.concat([this.#held, chunk]);
    else this.#take(chunk);
  }

  /** Keeps everything after the message `ws` is emitting, even a close frame, until `resume`. */
  hold(): void {
    this.#parts.reading.pause();
    this.#held = NOTHING;
  }

  /** The message has been handled. */
  resume(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held && !this.#isIgnoring) this.#take(held);
    // Another message may have started waiting.
    if (!this.#held) this.#parts.reading.resume();
  }

  /** Discards everything from now on. Reservations last until the socket closes, because `ws` may still hold the bytes. */
  ignore(): void {
    this.#isIgnoring = this.#isOver = true;
  }

  /** The socket has closed: releases everything. */
  close(): void {
    this.#isIgnoring = this.#isOver = true;
    this.#split = undefined;
    this.#held = undefined;
    this.#message?.reservation?.release();
    this.#message = undefined;
  }

  /** The reservation of the message `ws` is emitting, if there is one. The taker must release it. */
  takeReservation(): InboundReservation | undefined {
    const reservation = this.#message?.reservation;
    if (this.#message) delete this.#message.reservation;
    return reservation;
  }

  /** Refuses a message that arrives too slowly. Call it about once a second. */
  look(now: number): void {
    if (!this.#isIgnoring && this.#message?.pace.isTooSlow(now)) this.#refuse("slow_sender");
  }

  /** The event loop was blocked, so slowness does not count. */
  forgive(now: number): void {
    this.#message?.pace.forgive(now);
  }

  #take(chunk: Buffer): void {
    this.#message?.pace.came(chunk.length, this.#parts.clock.now());
    /** Complete frames in this chunk not yet passed to `ws`. */
    let from = 0;
    let to = 0;
    const flush = () => {
      if (to > from) this.#parts.feed(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
      from = to;
    };
    while (to < chunk.length && !this.#isIgnoring && !this.#held) {
      if (this.#split) {
        from = to += this.#gather(chunk, to);
        continue;
      }
      const wasInside = this.#heads.isInside;
      const { taken, head } = this.#heads.read(chunk, to);
      const payloadAt = to + taken;
      const said = head ?? this.#heads.begun;
      if (said && !this.#isSound(said)) {
        flush();
        this.#parts.feed(said.bytes);
        // `ws` refuses it for its head, and reads nothing after it.
        this.#isIgnoring = true;
      } else if (!head) {
        flush();
        // The chunk is used up.
        from = to = chunk.length;
      } else if (!this.#isWithinLimit(head, flush)) {
        this.#refuse("frame_too_large");
      } else if (!wasInside && payloadAt + head.payloadBytes <= chunk.length) {
        to = payloadAt + head.payloadBytes;
        // `ws` must emit this message while its reservation is the current one.
        if (head.fin && (this.#message?.reservation || head.opcode === CLOSE)) flush();
        this.#end(head);
      } else {
        flush();
        from = to = payloadAt;
        if (this.#reserve()) this.#split = { frame: new SplitFrame(head), head };
        if (head.payloadBytes === 0) this.#gather(chunk, to);
      }
    }
    flush();
    if (this.#held) this.#held = chunk.subarray(to);
    if (this.#message && !this.#isIgnoring) this.#reserve();
  }

  /** Whether `ws` accepts the frame's head. */
  #isSound({ opcode, fin, reservedBits, mask, payloadBytes }: FrameHead): boolean {
    if (!mask || reservedBits !== 0) return false;
    if (opcode >= CLOSE) return opcode <= PONG && fin && payloadBytes <= MAX_CONTROL_BYTES;
    return opcode <= BINARY && (opcode === CONTINUATION) === (this.#message !== undefined);
  }

  /** Counts an announced frame, and says whether its message is within the limit. */
  #isWithinLimit({ opcode, payloadBytes }: FrameHead, flush: () => void): boolean {
    if (opcode >= CLOSE) return true;
    const { clock, pace, maxMessageBytes } = this.#parts;
    this.#message ??= { bytes: 0, fragments: 0, pace: new SenderPace(pace, clock.now()) };
    const message = this.#message;
    message.bytes += payloadBytes;
    message.fragments++;
    if (message.bytes <= maxMessageBytes()) return true;
    // Earlier frames in this chunk may authenticate the client, which raises the limit.
    flush();
    return message.bytes <= maxMessageBytes();
  }

  #gather(chunk: Buffer, at: number): number {
    const split = this.#split;
    const taken = split?.frame.take(chunk, at) ?? 0;
    if (!split?.frame.complete) return taken;
    this.#split = undefined;
    this.#parts.feed(split.frame.complete);
    this.#end(split.head);
    return taken;
  }

  /** `ws` has received a complete frame. */
  #end({ opcode, fin }: FrameHead): void {
    if (opcode === CLOSE) this.#isIgnoring = true;
    if (opcode >= CLOSE || !fin) return;
    this.#message?.reservation?.release();
    this.#message = undefined;
  }

  #reserve(): boolean {
    const message = this.#message;
    if (!message) return true;
    const bytes = message.bytes + message.fragments * FRAGMENT_BYTES;
    try {
      if (message.reservation) message.reservation.growTo(bytes);
      else message.reservation = this.#parts.reserve(bytes);
      return true;
    } catch (error) {
      this.#refuse(toGatewayError(error).code);
      return false;
    }
  }

  /**
   * Refuses, unless `ws` refuses an earlier frame, which takes precedence. `ws` does so up to two ticks later, because its
   * receiver is a stream destroyed with an error.
   */
  #refuse(code: Code): void {
    this.#isIgnoring = true;
    const refuse = () => {
      if (!this.#isOver) this.#parts.refuse(code);
    };
    nextTick(() => nextTick(refuse));
  }
}
