import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { nowUs } from "../../payload/clock.ts";
import { type ByteListener, connect } from "./connect.ts";
import { type FrameListener, FrameReader } from "./frame-reader.ts";
import { clientFrame } from "./frame-writer.ts";

/** RFC 6455, 1.3. */
const HANDSHAKE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export interface WebSocketListener {
  /** A text message, in place. */
  message(buffer: Buffer, start: number, end: number): void;
  closed(reason: string): void;
}

/** A WebSocket client with only what a benchmark needs, so that the client is not what is measured. */
export class LeanWebSocket implements ByteListener {
  readonly #listener: WebSocketListener;
  readonly #frames: FrameReader;
  #socket: Socket | undefined;
  #handshake: { text: string; key: string; done: (error?: Error) => void } | undefined;
  #reason: string | undefined;
  /** When the current read returned. */
  readAtUs = 0;

  private constructor(listener: WebSocketListener) {
    this.#listener = listener;
    this.#frames = new FrameReader(this.#frame);
  }

  /** Connects and completes the handshake. Rejects with the server's answer if it refuses. */
  static async open(
    url: URL,
    subprotocol: string | undefined,
    headers: Readonly<Record<string, string>>,
    listener: WebSocketListener,
  ): Promise<LeanWebSocket> {
    const ws = new LeanWebSocket(listener);
    ws.#socket = await connect(url, ws);
    await ws.#shakeHands(url, subprotocol, headers);
    return ws;
  }

  get socket(): Socket {
    if (!this.#socket) throw new Error("not connected");
    return this.#socket;
  }

  send(text: string): void {
    this.#socket?.write(clientFrame(TEXT, text));
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  // ── as the socket's listener ──────────────────────────────────────────────────────────────────────────────────────

  read(buffer: Buffer, length: number): void {
    this.readAtUs = nowUs();
    if (this.#handshake) this.#readHandshake(buffer, length);
    else this.#frames.read(buffer, length);
  }

  closed(reason: string): void {
    this.#handshake?.done(new Error(reason));
    this.#listener.closed(this.#reason ?? reason);
  }

  #shakeHands(url: URL, subprotocol: string | undefined, headers: Readonly<Record<string, string>>): Promise<void> {
    const key = randomBytes(16).toString("base64");
    const lines = [
      `GET ${url.pathname}${url.search} HTTP/1.1`,
      `Host: ${url.host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${key}`,
      ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => {
        this.#handshake = undefined;
        if (error) reject(error);
        else resolve();
      };
      this.#handshake = { text: "", key, done };
      this.#socket?.write(`${lines.join("\r\n")}\r\n\r\n`);
    });
  }

  #readHandshake(buffer: Buffer, length: number): void {
    const handshake = this.#handshake;
    if (!handshake) return;
    handshake.text += buffer.toString("latin1", 0, length);
    const end = handshake.text.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = handshake.text.slice(0, end);
    const accept = createHash("sha1").update(`${handshake.key}${HANDSHAKE_GUID}`).digest("base64");
    const answered = /^sec-websocket-accept: *(\S+)/im.exec(head)?.[1];
    if (!head.startsWith("HTTP/1.1 101 ")) handshake.done(new Error(head.slice(0, head.indexOf("\r\n"))));
    else if (answered !== accept) handshake.done(new Error("the handshake was answered with a wrong key"));
    else handshake.done();
    const rest = Buffer.from(handshake.text.slice(end + 4), "latin1");
    if (rest.length > 0) this.#frames.read(rest, rest.length);
  }

  readonly #frame: FrameListener = (opcode, buffer, start, end) => {
    if (opcode === TEXT) this.#listener.message(buffer, start, end);
    else if (opcode === PING) this.#socket?.write(clientFrame(PONG, Buffer.from(buffer.subarray(start, end))));
    else if (opcode === CLOSE) {
      const code = end - start >= 2 ? buffer.readUInt16BE(start) : 1005;
      this.#reason = `closed with ${code} ${buffer.toString("utf8", start + 2, end)}`;
      this.#socket?.destroy();
    }
  };
}
