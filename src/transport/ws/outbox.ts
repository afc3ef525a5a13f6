import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { SendTime } from "../../core/ports/connection.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";

/** First byte of an unfragmented text message (RFC 6455, 5.2), and the length codes for 16 and 64 bits. */
const TEXT = "\x81";
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** The frame's head for a payload of so many bytes; a server does not mask. */
function headOf(bytes: number): ByteString {
  if (bytes < LENGTH_16) return TEXT + String.fromCharCode(bytes);
  if (bytes < 65_536) return TEXT + String.fromCharCode(LENGTH_16, bytes >> 8, bytes & 255);
  const high = Math.floor(bytes / 2 ** 32);
  const words = [high, bytes % 2 ** 32].flatMap((word) => [
    word >>> 24,
    (word >>> 16) & 255,
    (word >>> 8) & 255,
    word & 255,
  ]);
  return TEXT + String.fromCharCode(LENGTH_64, ...words);
}

/** A text's UTF-8, a character a byte. ASCII, the common case, is its own. */
export function encode(text: string): ByteString {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString("latin1");
}

/** A WebSocket text message. */
export const textFrame = (payload: ByteString): ByteString => headOf(payload.length) + payload;

/**
 * One socket's way out. Every frame is a WebSocket message of its own; all frames of one loop turn leave in one socket
 * write, or, where one stream alone writes, all that one read of its upstream brought. They are written beside the sender
 * of `ws`, which would make two writes of each (bench/README.md has the figures); control frames go through it, between
 * whole messages.
 *
 * `gateBytes` bounds what waits in the socket: beyond it stream frames stay in their logs, so that a control frame is
 * never stuck behind more than that.
 */
export class Outbox {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #gateBytes: number;
  readonly #reads: ReadTurn;
  readonly #drained: () => void;
  /** Frames of this loop turn, a character a byte. */
  #turn = "";
  #turnFrames = 0;
  /** Whether the socket kept some of the last write: only then its buffer is looked at before each frame. */
  #isKeeping = false;
  #blocked = false;
  #frames = 0;

  constructor(ws: WebSocket, socket: Duplex, gateBytes: number, reads: ReadTurn, drained: () => void) {
    this.#ws = ws;
    this.#socket = socket;
    this.#gateBytes = gateBytes;
    this.#reads = reads;
    this.#drained = drained;
  }

  get frames(): number {
    return this.#frames;
  }

  /** Queues a text frame, to leave at its time, or sooner with another. */
  push(frame: ByteString, when: SendTime): void {
    const isFirst = this.#turnFrames++ === 0;
    this.#turn += textFrame(frame);
    if (when === "now") this.flush();
    else if (isFirst && (when === "turn" || !this.#reads.after(this.#endOfTurn))) setImmediate(this.#endOfTurn);
  }

  get writable(): boolean {
    const kept = this.#isKeeping ? this.#socket.writableLength : 0;
    if (this.#turn.length + kept < this.#gateBytes) return true;
    // The kernel takes what it can before we decide.
    this.flush();
    if (this.#socket.writableLength < this.#gateBytes) return true;
    this.#askWhenTaken();
    return false;
  }

  /** Writes what this loop turn has brought so far. */
  flush(): void {
    if (this.#turn === "") return;
    const frames = this.#turn;
    const count = this.#turnFrames;
    this.#turn = "";
    this.#turnFrames = 0;
    // A client that said goodbye meanwhile has been answered, and nothing may follow that.
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#frames += count;
    this.#socket.write(frames, "latin1");
    this.#isKeeping = this.#socket.writableLength > 0;
  }

  readonly #endOfTurn = (): void => this.flush();

  /** An empty write stands behind all others. With a callback each of them would cost a tick of its own. */
  #askWhenTaken(): void {
    if (this.#blocked) return;
    this.#blocked = true;
    this.#socket.write("", this.#taken);
  }

  readonly #taken = (): void => {
    this.#blocked = false;
    if (this.#socket.writableLength < this.#gateBytes) this.#drained();
    else this.#askWhenTaken();
  };
}
