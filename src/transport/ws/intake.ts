import { nextTick } from "node:process";
import type { Code } from "../../../protocol/codes.ts";
import type { InboundReservation } from "../../core/caller/inbound-budget.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { toGatewayError } from "../../core/kernel/errors.ts";
import { type PaceLimits, SenderPace } from "../admit/sender-pace.ts";
import { type FrameHead, FrameHeads } from "./frame-heads.ts";
import { SplitFrame } from "./split-frame.ts";

export interface IntakeParts {
  /** Stops reading the socket, and goes on with it. */
  readonly reading: { pause(): void; resume(): void };
  /** Hands whole frames on to `ws`, which answers, or tells of a message, before this returns. */
  readonly feed: (frames: Buffer) => void;
  /** Largest message now, in bytes. */
  readonly maxMessageBytes: () => number;
  /** So many bytes came. Returns why they may not. */
  readonly came: (bytes: number) => Code | undefined;
  /** Sets bytes aside for an unfinished message. Throws `overloaded`. */
  readonly reserve: (bytes: number) => InboundReservation;
  readonly refuse: (code: Code) => void;
  readonly pace: PaceLimits;
  readonly clock: Clock;
}

/** What `ws` keeps for a fragment besides its bytes: a buffer and its place in a list (330 measured). */
const FRAGMENT_BYTES = 512;

const NOTHING = Buffer.alloc(0);

const CONTINUATION = 0x0;
const BINARY = 0x2;
const CLOSE = 0x8;
const PONG = 0xa;
const MAX_CONTROL_BYTES = 125;

/** A message of which something is missing. */
interface Unfinished {
  bytes: number;
  fragments: number;
  readonly pace: SenderPace;
  reservation?: InboundReservation;
}

/**
 * What one socket sends, before `ws` sees it: counted as it comes and as it is announced. What one read brings whole costs
 * nothing here. Of a message that goes on after it the announced bytes are reserved before one of them is kept.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #heads = new FrameHeads();
  #split: { readonly frame: SplitFrame; readonly head: FrameHead } | undefined;
  #message: Unfinished | undefined;
  #isDeaf = false;
  /** What came behind a message that has its turn first; undefined while none has. */
  #held: Buffer | undefined;
  /** `ws` has refused something by itself, or the socket is gone. */
  #isOver = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Bytes of the socket. */
  read(chunk: Buffer): void {
    if (this.#isDeaf) return;
    const fault = this.#parts.came(chunk.length);
    if (fault) this.#refuse(fault);
    else if (this.#held) this.#held = Buffer.concat([this.#held, chunk]);
    else this.#take(chunk);
  }

  /** The message that `ws` tells of right now has its turn first: what came behind it, a goodbye too, waits for `goOn`. */
  hold(): void {
    this.#parts.reading.pause();
    this.#held = NOTHING;
  }

  /** That message had its turn. */
  goOn(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held && !this.#isDeaf) this.#take(held);
    // Another one may have come.
    if (!this.#held) this.#parts.reading.resume();
  }

  /** What comes from now on is thrown away. What is reserved stays so until the socket is gone: it may still be held. */
  ignore(): void {
    this.#isDeaf = this.#isOver = true;
  }

  /** The socket is gone. */
  close(): void {
    this.#isDeaf = this.#isOver = true;
    this.#split = undefined;
    this.#held = undefined;
    this.#message?.reservation?.release();
    this.#message = undefined;
  }

  /** What is reserved for the message that `ws` tells of right now, if anything. Whoever takes it gives it back. */
  takeReservation(): InboundReservation | undefined {
    const reservation = this.#message?.reservation;
    if (this.#message) delete this.#message.reservation;
    return reservation;
  }

  /** Refuses a message that comes too slowly. Call it about once a second. */
  look(now: number): void {
    if (!this.#isDeaf && this.#message?.pace.isTooSlow(now)) this.#refuse("slow_sender");
  }

  /** Our own process stood still. */
  forgive(now: number): void {
    this.#message?.pace.forgive(now);
  }

  #take(chunk: Buffer): void {
    this.#message?.pace.came(chunk.length, this.#parts.clock.now());
    /** Whole frames of this chunk that `ws` was not given yet. */
    let from = 0;
    let to = 0;
    const flush = () => {
      if (to > from) this.#parts.feed(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
      from = to;
    };
    while (to < chunk.length && !this.#isDeaf && !this.#held) {
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
        // `ws` refuses it for what its head says, and looks at nothing behind it.
        this.#isDeaf = true;
      } else if (!head) {
        flush();
        // Nothing is left of it.
        from = to = chunk.length;
      } else if (!this.#isWithinLimit(head, flush)) {
        this.#refuse("frame_too_large");
      } else if (!wasInside && payloadAt + head.payloadBytes <= chunk.length) {
        to = payloadAt + head.payloadBytes;
        // Its message is told of while it is the one that is reserved for.
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
    if (this.#message && !this.#isDeaf) this.#reserve();
  }

  /** Whether `ws` will not refuse a frame for its head alone. */
  #isSound({ opcode, fin, reservedBits, mask, payloadBytes }: FrameHead): boolean {
    if (!mask || reservedBits !== 0) return false;
    if (opcode >= CLOSE) return opcode <= PONG && fin && payloadBytes <= MAX_CONTROL_BYTES;
    return opcode <= BINARY && (opcode === CONTINUATION) === (this.#message !== undefined);
  }

  /** Counts a frame that was announced, and says whether its message is not larger than allowed. */
  #isWithinLimit({ opcode, payloadBytes }: FrameHead, flush: () => void): boolean {
    if (opcode >= CLOSE) return true;
    const { clock, pace, maxMessageBytes } = this.#parts;
    this.#message ??= { bytes: 0, fragments: 0, pace: new SenderPace(pace, clock.now()) };
    const message = this.#message;
    message.bytes += payloadBytes;
    message.fragments++;
    if (message.bytes <= maxMessageBytes()) return true;
    // The frames before it may say who its client is, and how much that one may send.
    flush();
    return message.bytes <= maxMessageBytes();
  }

  #gather(chunk: Buffer, at: number): number {
    const split = this.#split;
    const taken = split?.frame.take(chunk, at) ?? 0;
    if (!split?.frame.whole) return taken;
    this.#split = undefined;
    this.#parts.feed(split.frame.whole);
    this.#end(split.head);
    return taken;
  }

  /** `ws` has had a whole frame. */
  #end({ opcode, fin }: FrameHead): void {
    if (opcode === CLOSE) this.#isDeaf = true;
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
   * What `ws` has to say of the frames before comes first, and is all that is said then. It says so two ticks later, as its
   * receiver is a stream that is destroyed with an error.
   */
  #refuse(code: Code): void {
    this.#isDeaf = true;
    const refuse = () => {
      if (!this.#isOver) this.#parts.refuse(code);
    };
    nextTick(() => nextTick(refuse));
  }
}
