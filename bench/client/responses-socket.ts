import type { Socket } from "node:net";
import { bodyFor, targetFor } from "./asked.ts";
import type { Target } from "./job.ts";
import type { LoadStream } from "./load-stream.ts";
import { LeanWebSocket, type WebSocketListener } from "./wire/web-socket.ts";

/** Lanes of one socket. A real gateway allows 32, and 16 responses at once. */
const LANES = 16;

const LANE = Buffer.from('{"stream_id":"', "latin1");
const QUOTE = 0x22;
const BRACE = 0x7b;
const COMPLETED = Buffer.from('"type":"response.completed"', "latin1");
const FAILED = Buffer.from('"type":"response.failed"', "latin1");
const ERROR = Buffer.from('"type":"error"', "latin1");

/** One socket of OpenAI's Responses API over WebSocket, with a lane for each stream. */
export class ResponsesSocket implements WebSocketListener {
  readonly #target: Target;
  /** By lane, in the order of their requests. */
  readonly #lanes = new Map<number, LoadStream[]>();
  #ws: LeanWebSocket | undefined;

  private constructor(target: Target) {
    this.#target = target;
  }

  static async open(target: Target): Promise<ResponsesSocket> {
    const socket = new ResponsesSocket(target);
    socket.#ws = await LeanWebSocket.open(new URL(target.url), undefined, target.headers ?? {}, socket);
    return socket;
  }

  get socket(): Socket {
    if (!this.#ws) throw new Error("not connected");
    return this.#ws.socket;
  }

  start(stream: LoadStream): void {
    const lane = stream.plan.key % LANES;
    const waiting = this.#lanes.get(lane);
    if (waiting) waiting.push(stream);
    else this.#lanes.set(lane, [stream]);
    const { model = "bench" } = targetFor(this.#target, stream.plan);
    const body = { type: "response.create", model, store: false, stream_id: String(lane), ...bodyFor(stream.plan) };
    const text = JSON.stringify(body);
    stream.started();
    this.#ws?.send(text);
  }

  cancel(stream: LoadStream): void {
    this.#ws?.send(JSON.stringify({ type: "response.cancel", stream_id: String(stream.plan.key % LANES) }));
  }

  destroy(): void {
    for (const stream of [...this.#lanes.values()].flat()) stream.drop();
    this.#ws?.destroy();
  }

  closed(reason: string): void {
    for (const stream of [...this.#lanes.values()].flat()) stream.end(reason);
    this.#lanes.clear();
  }

  message(buffer: Buffer, start: number, end: number): void {
    const quoteAt = buffer.indexOf(QUOTE, start + LANE.length);
    const streams = this.#lanes.get(Number(buffer.toString("latin1", start + LANE.length, quoteAt)));
    const stream = streams?.[0];
    if (!stream || buffer.compare(LANE, 0, LANE.length, start, start + LANE.length) !== 0) return;
    const typeAt = quoteAt + 2;
    const is = (type: Buffer) => buffer.compare(type, 0, type.length, typeAt, typeAt + type.length) === 0;
    const isError = is(ERROR) || is(FAILED);
    if (isError || is(COMPLETED)) {
      streams.shift();
      stream.end(isError ? buffer.toString("utf8", typeAt, Math.min(end, typeAt + 200)) : undefined);
      return;
    }
    // Without the lane that was spliced in, these must be the provider's bytes.
    buffer[typeAt - 1] = BRACE;
    stream.payload(buffer, typeAt - 1, end, this.#ws?.readAtUs ?? 0);
  }
}
