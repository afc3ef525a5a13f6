import type { Socket } from "node:net";
import { bodyFor, targetFor } from "./asked.ts";
import type { Target } from "./job.ts";
import type { LoadStream } from "./load-stream.ts";
import { LeanWebSocket, type WebSocketListener } from "./wire/web-socket.ts";

/** The usual form of an event frame; other forms are parsed. */
const EVENT = Buffer.from('{"type":"event","id":"', "latin1");
const SEQ = Buffer.from('","seq":', "latin1");
const NAME = Buffer.from(',"event":"', "latin1");
const DATA = Buffer.from(',"data":', "latin1");
const QUOTE = 0x22;
const ZERO = 48;
const NINE = 57;

interface ServerFrame {
  readonly type: string;
  readonly id?: string;
  readonly seq?: number;
  readonly data?: unknown;
  readonly raw?: boolean;
  readonly events?: readonly ServerFrame[];
  readonly status?: string;
  readonly error?: { readonly code: string };
}

/** One socket of the stream face and the streams on it. */
export class SluiceSocket implements WebSocketListener {
  readonly #target: Target;
  readonly #streams = new Map<number, { readonly stream: LoadStream; seq: number }>();
  #ws: LeanWebSocket | undefined;

  private constructor(target: Target) {
    this.#target = target;
  }

  static async open(target: Target): Promise<SluiceSocket> {
    const socket = new SluiceSocket(target);
    socket.#ws = await LeanWebSocket.open(new URL(target.url), "sluice.v1", target.headers ?? {}, socket);
    return socket;
  }

  get socket(): Socket {
    if (!this.#ws) throw new Error("not connected");
    return this.#ws.socket;
  }

  get #readAtUs(): number {
    return this.#ws?.readAtUs ?? 0;
  }

  start(stream: LoadStream): void {
    this.#streams.set(stream.plan.key, { stream, seq: 0 });
    const { route, model } = targetFor(this.#target, stream.plan);
    const text = JSON.stringify({
      type: "open",
      id: String(stream.plan.key),
      ...(model === undefined ? { route: route ?? "bench" } : { model }),
      body: { ...(model === undefined && { model: "bench" }), ...bodyFor(stream.plan) },
      away: "cancel",
      // A stalled reader acknowledges nothing, so its stream must use acknowledgements.
      ...(!stream.faulty && { flow: "none" }),
    });
    stream.started();
    this.#ws?.send(text);
  }

  cancel(stream: LoadStream): void {
    this.#ws?.send(JSON.stringify({ type: "cancel", id: String(stream.plan.key) }));
  }

  destroy(): void {
    for (const { stream } of this.#streams.values()) stream.drop();
    this.#ws?.destroy();
  }

  closed(reason: string): void {
    for (const { stream } of this.#streams.values()) stream.end(reason);
    this.#streams.clear();
  }

  message(buffer: Buffer, start: number, end: number): void {
    if (!this.#fastEvent(buffer, start, end)) this.#frame(JSON.parse(buffer.toString("utf8", start, end)));
  }

  /** Reads an event in the usual form in place; false if it is anything else. */
  #fastEvent(buffer: Buffer, start: number, end: number): boolean {
    if (!startsWith(buffer, start, EVENT)) return false;
    let at = start + EVENT.length;
    let key = 0;
    for (let digit = buffer[at] ?? 0; digit >= ZERO && digit <= NINE; digit = buffer[++at] ?? 0) {
      key = key * 10 + digit - ZERO;
    }
    if (!startsWith(buffer, at, SEQ)) return false;
    at += SEQ.length;
    let seq = 0;
    for (let digit = buffer[at] ?? 0; digit >= ZERO && digit <= NINE; digit = buffer[++at] ?? 0) {
      seq = seq * 10 + digit - ZERO;
    }
    if (startsWith(buffer, at, NAME)) at = buffer.indexOf(QUOTE, at + NAME.length) + 1;
    if (!startsWith(buffer, at, DATA)) return false;
    const held = this.#streams.get(key);
    if (!held || seq !== held.seq + 1) return false;
    // A raw event is a string, so it is not one of ours.
    if (buffer[at + DATA.length] === QUOTE) return false;
    held.seq = seq;
    held.stream.payload(buffer, at + DATA.length, end - 1, this.#readAtUs);
    return true;
  }

  #frame(frame: ServerFrame): void {
    const key = Number(frame.id);
    const held = this.#streams.get(key);
    if (!held) return;
    if (frame.type === "event") this.#event(held, frame);
    else if (frame.type === "events") for (const event of frame.events ?? []) this.#event(held, event);
    else if (frame.type === "end" || frame.type === "error" || frame.type === "detached") {
      this.#streams.delete(key);
      const failed = frame.type !== "end" || frame.status === "failed";
      held.stream.end(failed ? `${frame.type} ${frame.error?.code ?? ""}` : undefined);
    }
  }

  #event(held: { readonly stream: LoadStream; seq: number }, { seq = 0, data, raw }: ServerFrame): void {
    // The gateway's own numbers must be contiguous too.
    if (seq !== held.seq + 1) held.stream.end(`seq ${seq} after ${held.seq}`);
    held.seq = seq;
    held.stream.payloadText(raw ? String(data) : JSON.stringify(data), this.#readAtUs);
  }
}

function startsWith(buffer: Buffer, at: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index++) {
    if (buffer[at + index] !== expected[index]) return false;
  }
  return true;
}
