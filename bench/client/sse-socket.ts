import type { Socket } from "node:net";
import { nowUs } from "../payload/clock.ts";
import type { LoadStream } from "./load-stream.ts";
import { type ByteListener, connect } from "./wire/connect.ts";
import { ChunkedBody, PlainBody } from "./wire/http-body.ts";
import { SseLines } from "./wire/sse-lines.ts";

/** A kept-alive HTTP/1.1 connection, one stream at a time. */
export class SseSocket implements ByteListener {
  readonly #idle: (socket: SseSocket) => void;
  #socket: Socket | undefined;
  #stream: LoadStream | undefined;
  #head = "";
  #body: ChunkedBody | PlainBody | undefined;
  #readAtUs = 0;

  private constructor(idle: (socket: SseSocket) => void) {
    this.#idle = idle;
  }

  /** `idle` is called when a response has ended and the socket can take the next request. */
  static async open(url: URL, idle: (socket: SseSocket) => void): Promise<SseSocket> {
    const socket = new SseSocket(idle);
    socket.#socket = await connect(url, socket);
    return socket;
  }

  get socket(): Socket {
    if (!this.#socket) throw new Error("not connected");
    return this.#socket;
  }

  request(stream: LoadStream, request: string): void {
    this.#stream = stream;
    this.#head = "";
    this.#body = undefined;
    stream.started();
    this.socket.write(request);
  }

  destroy(): void {
    this.#stream?.drop();
    this.#socket?.destroy();
  }

  read(buffer: Buffer, length: number): void {
    this.#readAtUs = nowUs();
    let at = 0;
    if (!this.#body) {
      at = this.#readHead(buffer, length);
      if (at === 0) return;
    }
    this.#body?.read(buffer, at, length);
  }

  closed(reason: string): void {
    this.#stream?.end(reason);
    this.#stream = undefined;
  }

  /** Offset of the body in this read; 0 while the head is incomplete. */
  #readHead(buffer: Buffer, length: number): number {
    const before = this.#head.length;
    this.#head += buffer.toString("latin1", 0, length);
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    const head = this.#head.slice(0, end);
    this.#body = this.#bodyOf(head.toLowerCase());
    const status = /^HTTP\/1\.[01] (\d+)/.exec(head)?.[1];
    if (status !== "200") this.#stream?.end(`HTTP ${status}`);
    return end + 4 - before;
  }

  #bodyOf(head: string): ChunkedBody | PlainBody {
    const lines = new SseLines((buffer, start, end) => this.#stream?.payload(buffer, start, end, this.#readAtUs));
    const listener = {
      body: (buffer: Buffer, start: number, end: number) => lines.read(buffer, start, end),
      ended: () => this.#ended(),
    };
    if (/\r\ntransfer-encoding:[^\r]*chunked/.test(head)) return new ChunkedBody(listener);
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    return new PlainBody(listener, length === undefined ? Number.POSITIVE_INFINITY : Number(length));
  }

  #ended(): void {
    this.#stream?.end();
    this.#stream = undefined;
    this.#idle(this);
  }
}
