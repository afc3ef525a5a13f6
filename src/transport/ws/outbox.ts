import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";
import type { SendTime } from "../../core/stream/scheduler.ts";

/** First byte of an unfragmented text message (RFC 6455, 5.2), and the codes of 16- and 64-bit lengths. */
const TEXT = "\x81";
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** The head of a frame with this payload; a server does not mask. */
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

/** The heads of most frames, made once. */
const HEADS = Array.from({ length: 1024 }, (_, bytes) => headOf(bytes));

/** A text's UTF-8 as a byte string. ASCII, the common case, is unchanged. */
export function encode(text: string): ByteString {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString("latin1");
}

/** Memory of a write that waits in the socket beside its bytes: its entry, and that of the empty write after it. */
const WRITE_BYTES = 512;

/** A WebSocket text message with this payload. */
export const textFrame = (payload: ByteString): ByteString =>
  (HEADS[payload.length] ?? headOf(payload.length)) + payload;

/** How much may wait, outside of streams, for a client that does not read. */
export interface UnreadLimit {
  readonly maxBytes: number;
  /** Called when another frame comes while more waits. */
  readonly exceeded: () => void;
}

/**
 * One socket's output. Every frame is its own WebSocket message. All frames of a loop turn leave in one socket write, or,
 * where a single stream writes, all frames of one read of its upstream. They bypass the sender of `ws`, which would make
 * two writes of each (bench/README.md has the figures); control frames go through it, between messages.
 *
 * `gateBytes` limits what waits in the socket: beyond it stream frames stay in their logs, so that no more than that
 * delays a control frame.
 */
export class Outbox {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #gateBytes: number;
  readonly #reads: ReadTurn;
  readonly #drained: () => void;
  readonly #unread: UnreadLimit;
  /** Frames of this loop turn, as a byte string. */
  #turn = "";
  #turnFrames = 0;
  /** Bytes of the frames of this loop turn that no stream's log bounds. */
  #turnOwnBytes = 0;
  /** The same of earlier turns, as long as the socket has not taken them. */
  #keptOwnBytes = 0;
  /** Whether the socket buffered part of the last write: only then is its buffer checked before each frame. */
  #isKeeping = false;
  #blocked = false;
  #frames = 0;

  constructor(
    ws: WebSocket,
    socket: Duplex,
    gateBytes: number,
    reads: ReadTurn,
    drained: () => void,
    unread: UnreadLimit,
  ) {
    this.#ws = ws;
    this.#socket = socket;
    this.#gateBytes = gateBytes;
    this.#reads = reads;
    this.#drained = drained;
    this.#unread = unread;
  }

  /** How many frames were written. */
  get frames(): number {
    return this.#frames;
  }

  /** Queues a text frame, to be written at its time, or earlier with another. */
  push(frame: ByteString, when: SendTime): void {
    const isFirst = this.#turnFrames++ === 0;
    this.#turn += textFrame(frame);
    if (when === "now") this.flush();
    else if (isFirst && (when === "turn" || !this.#reads.after(this.#endOfTurn))) setImmediate(this.#endOfTurn);
  }

  /** Queues a frame that no log bounds and that is always sent, such as an error. */
  pushOwn(frame: ByteString): void {
    this.#turnOwnBytes += frame.length;
    this.push(frame, "turn");
    if (this.#turnOwnBytes + this.#keptOwnBytes > this.#unread.maxBytes) this.flush();
  }

  /** `ws` has written a control frame with this much payload. */
  wrote(bytes: number): void {
    if (this.#socket.writableLength > 0) this.#keepOwn(bytes);
  }

  /** Whether less than `gateBytes` waits. When false, `drained` is called once it is true again. */
  get writable(): boolean {
    const kept = this.#isKeeping ? this.#socket.writableLength : 0;
    if (this.#turn.length + kept < this.#gateBytes) return true;
    // Let the kernel take what it can before deciding.
    this.flush();
    if (this.#socket.writableLength < this.#gateBytes) return true;
    this.#askWhenTaken();
    return false;
  }

  /** Writes the frames queued so far. */
  flush(): void {
    if (this.#turn === "") return;
    const frames = this.#turn;
    const count = this.#turnFrames;
    const ownBytes = this.#turnOwnBytes;
    this.#turn = "";
    this.#turnFrames = 0;
    this.#turnOwnBytes = 0;
    // If the client closed meanwhile, ws has sent the close frame, and nothing may follow it.
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#frames += count;
    this.#socket.write(frames, "latin1");
    this.#isKeeping = this.#socket.writableLength > 0;
    if (this.#isKeeping && ownBytes > 0) this.#keepOwn(ownBytes);
  }

  readonly #endOfTurn = (): void => this.flush();

  /** Counts what the socket has not taken until it has. */
  #keepOwn(bytes: number): void {
    // A single frame may be large, and its client gets the time to read it.
    if (this.#keptOwnBytes > this.#unread.maxBytes) this.#unread.exceeded();
    const kept = bytes + WRITE_BYTES;
    this.#keptOwnBytes += kept;
    this.#socket.write("", () => {
      this.#keptOwnBytes -= kept;
    });
  }

  /** An empty write completes after all others. A callback on each of those would cost a tick each. */
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
