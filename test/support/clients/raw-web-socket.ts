import type { Duplex } from "node:stream";
import { upgrade } from "./upgrade.ts";

export const TEXT = 0x1;
export const BINARY = 0x2;
export const CONTINUATION = 0x0;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

export interface FrameOptions {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  /** Whether it ends its message; true by default. */
  readonly fin?: boolean;
  /** The three reserved bits; 0 by default. */
  readonly rsv?: number;
  /** Whether it is masked, as every frame of a client must be; true by default. */
  readonly masked?: boolean;
  /** Four mask bytes; by default zeros, which leave the payload unchanged. */
  readonly mask?: readonly [number, number, number, number];
  /** The payload length in its header, if it is wrong. */
  readonly announcedBytes?: number;
}

/** The bytes of one frame (RFC 6455, section 5.2), valid or not as requested. */
export function frameBytes(options: FrameOptions): Buffer {
  const { opcode, payload = "", fin = true, rsv = 0, masked = true, mask = [0, 0, 0, 0] } = options;
  const body = Buffer.from(payload);
  const [first = 0, ...more] = lengthBytes(options.announcedBytes ?? body.length);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode, (masked ? 0x80 : 0) | first, ...more];
  if (masked) for (let at = 0; at < body.length; at++) body[at] = (body[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return Buffer.concat([Buffer.from(head), Buffer.from(masked ? mask : []), body]);
}

function lengthBytes(length: number): readonly number[] {
  if (length < 126) return [length];
  if (length < 65_536) return [126, length >> 8, length & 255];
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return [127, ...bytes];
}

export interface ReceivedFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A WebSocket client that sends any bytes and never answers; it hangs up at a close frame. */
export class RawWebSocket {
  readonly socket: Duplex;
  readonly frames: ReceivedFrame[] = [];
  /** The bytes of each read, in order. */
  readonly reads: Buffer[] = [];
  /** The received close frame's code, once the socket is closed; undefined without one. */
  readonly closed: Promise<number | undefined>;
  #unread = Buffer.alloc(0);
  #changed = Promise.withResolvers<void>();

  private constructor(socket: Duplex) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#change();
        const close = this.frames.find(({ opcode }) => opcode === CLOSE);
        resolve(close?.payload.readUInt16BE(0));
      });
      socket.on("end", () => socket.end());
    });
  }

  static async connect(
    url: string,
    path: string,
    subprotocol: string,
    headers: Record<string, string> = {},
  ): Promise<RawWebSocket> {
    const answer = await upgrade(url, { path, headers: { "sec-websocket-protocol": subprotocol, ...headers } });
    if (!answer.socket) throw new Error(`refused with ${answer.status}: ${answer.body}`);
    return new RawWebSocket(answer.socket);
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  send(options: FrameOptions): void {
    this.write(frameBytes(options));
  }

  /** The close frame's reason. */
  get closeReason(): string | undefined {
    return this.frames.find(({ opcode }) => opcode === CLOSE)?.payload.toString("utf8", 2);
  }

  get texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === TEXT).map(({ payload }) => payload.toString());
  }

  /** Resolves when the condition holds, checked after every read; rejects if the socket closes first. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.socket.destroyed) throw new Error("the socket is gone");
      await this.#changed.promise;
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.reads.push(bytes);
    this.#unread = Buffer.concat([this.#unread, bytes]);
    for (;;) {
      const [first = 0, second = 0] = this.#unread;
      const head = second < 126 ? 2 : second === 126 ? 4 : 10;
      if (this.#unread.length < head) break;
      const length =
        second < 126 ? second : second === 126 ? this.#unread.readUInt16BE(2) : Number(this.#unread.readBigUInt64BE(2));
      if (this.#unread.length < head + length) break;
      this.frames.push({ opcode: first & 15, payload: this.#unread.subarray(head, head + length) });
      this.#unread = this.#unread.subarray(head + length);
    }
    if (this.frames.at(-1)?.opcode === CLOSE) this.socket.end();
    this.#change();
  }

  #change(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }
}
