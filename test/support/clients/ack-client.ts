import { WebSocket } from "ws";
import type { ServerFrame } from "../../../protocol/stream.ts";
import { AckStream } from "./ack-stream.ts";
import { readEvents } from "./frame-text.ts";

/** When a client acknowledges: after so many bytes or events, or so long after the first that it did not. */
export interface AckRule {
  readonly bytes: number;
  readonly events: number;
  readonly afterMs: number;
}

/** The rule for client libraries (protocol/README.md, Flow control). */
const SDK_RULE: AckRule = { bytes: 65_536, events: 64, afterMs: 100 };

export interface AckClientOptions {
  readonly token?: string;
  /** Smaller where a test's window is smaller. */
  readonly rule?: Partial<AckRule>;
  /** Called after each event that was applied. */
  readonly onEvent?: (stream: AckStream, client: AckClient) => void;
  /** Called within each event that is applied: when it returns, the event is handled. */
  readonly onApply?: (seq: number, payload: string) => void;
}

/**
 * An agent's client as it should be: acknowledges what it received and handled, applies an event iff it is the next one,
 * and reads its streams on over a new socket when the old one is gone.
 */
export class AckClient {
  readonly streams = new Map<string, AckStream>();
  /** Whether it says what it received on the socket, and what it handled; a broken client does not. */
  acksReceived = true;
  acksHandled = true;
  sockets = 0;
  readonly #url: string;
  readonly #options: AckClientOptions;
  readonly #rule: AckRule;
  #ws: WebSocket | undefined;
  #closed: Promise<{ readonly code: number; readonly reason: string }> | undefined;
  #received = 0;
  #unackedBytes = 0;
  #unackedEvents = 0;
  readonly #handled = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(gatewayUrl: string, options: AckClientOptions = {}) {
    this.#url = `${gatewayUrl.replace("http", "ws")}/v1/stream`;
    this.#options = options;
    this.#rule = { ...SDK_RULE, ...options.rule };
  }

  get isConnected(): boolean {
    return this.#ws?.readyState === WebSocket.OPEN;
  }

  get ws(): WebSocket {
    if (!this.#ws) throw new Error("not connected");
    return this.#ws;
  }

  /** How the socket of now closes. */
  get closed(): Promise<{ readonly code: number; readonly reason: string }> {
    if (!this.#closed) throw new Error("not connected");
    return this.#closed;
  }

  /** A new socket. Streams that have not ended are resumed on it, or opened again if they never were. */
  async connect(): Promise<this> {
    this.cut();
    const { token } = this.#options;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const ws = new WebSocket(this.#url, ["sluice.v1"], { headers });
    this.#ws = ws;
    this.sockets++;
    this.#received = 0;
    ws.on("error", () => {});
    ws.on("message", (data) => {
      // A socket that was cut says nothing more.
      if (ws === this.#ws) this.#receive((data as Buffer).toString());
    });
    this.#closed = new Promise((resolve) => {
      ws.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    await new Promise((resolve, reject) => {
      ws.once("open", () => {
        for (const stream of this.streams.values()) if (!stream.isOver) this.send(stream.comeBack());
        resolve(undefined);
      });
      ws.once("close", () => reject(new Error("the socket did not open")));
    });
    return this;
  }

  /** The socket dies without a word. */
  cut(): void {
    this.#ws?.terminate();
    this.#ws = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#handled.clear();
    this.#unackedBytes = this.#unackedEvents = 0;
  }

  open(id: string, frame: Readonly<Record<string, unknown>>): AckStream {
    const stream = new AckStream(id, { idempotencyKey: `${id}-${Math.random()}`, ...frame }, this.#options.onApply);
    this.streams.set(id, stream);
    this.send(stream.comeBack());
    return stream;
  }

  /** Without a socket it says nothing: what matters is said on the next one. */
  send(frame: unknown): void {
    if (this.isConnected) this.ws.send(JSON.stringify(frame));
  }

  /** Says what it received and handled since it last did. */
  acknowledge(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unackedBytes = this.#unackedEvents = 0;
    const streams = this.acksHandled ? Object.fromEntries(this.#handled) : {};
    if (this.acksHandled) this.#handled.clear();
    this.send({ type: "ack", ...(this.acksReceived && { received: this.#received }), streams });
  }

  /** Acknowledges a stream again that it held back. */
  letGo(stream: AckStream): void {
    stream.holdsAcks = false;
    if (!stream.isOver) this.#handled.set(stream.id, stream.last);
    this.acknowledge();
  }

  [Symbol.dispose](): void {
    this.cut();
  }

  #receive(text: string): void {
    this.#received++;
    const batch = readEvents(text);
    if (!batch) {
      this.#control(JSON.parse(text));
      return;
    }
    const stream = this.streams.get(batch.id);
    if (!stream) return;
    for (const { seq, payload } of batch.events) {
      stream.apply(seq, payload);
      this.#unackedEvents++;
      if (!stream.holdsAcks) this.#handled.set(stream.id, stream.last);
      this.#options.onEvent?.(stream, this);
    }
    this.#unackedBytes += text.length;
    if (this.#unackedBytes >= this.#rule.bytes || this.#unackedEvents >= this.#rule.events) this.acknowledge();
    else this.#timer ??= setTimeout(() => this.acknowledge(), this.#rule.afterMs);
  }

  #control(frame: ServerFrame): void {
    if (!("id" in frame) || frame.id === undefined) return;
    this.streams.get(frame.id)?.told(frame);
    if (frame.type === "end") this.#handled.delete(frame.id);
  }
}
