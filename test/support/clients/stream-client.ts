import { WebSocket } from "ws";
import { ServerFrame } from "../../../protocol/stream.ts";

export type EventFrame = Extract<ServerFrame, { type: "event" }>;
export type EndFrame = Extract<ServerFrame, { type: "end" }>;
export type ErrorFrame = Extract<ServerFrame, { type: "error" }>;

interface Waiter {
  readonly wanted: (frame: ServerFrame) => boolean;
  readonly resolve: (frame: ServerFrame) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A client of the stream face that queues what it receives, so that no test races its handler, and checks every frame
 * against the protocol's schema.
 */
export class StreamClient {
  readonly ws: WebSocket;
  readonly texts: string[] = [];
  readonly #queue: ServerFrame[] = [];
  readonly #waiters: Waiter[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on("message", (data) => this.#receive(data.toString()));
    this.closed = new Promise((resolve) => {
      ws.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error(`the socket closed with ${code}`));
      });
    });
  }

  /** Connects and waits until the socket is open. */
  static async connect(
    gatewayUrl: string,
    options: {
      token?: string;
      headers?: Record<string, string>;
      subprotocols?: readonly string[];
      autoPong?: boolean;
    } = {},
  ) {
    const headers = {
      ...options.headers,
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    };
    const ws = new WebSocket(
      `${gatewayUrl.replace("http", "ws")}/v1/stream`,
      ["sluice.v1", ...(options.subprotocols ?? [])],
      {
        headers,
        autoPong: options.autoPong ?? true,
      },
    );
    const client = new StreamClient(ws);
    await new Promise((resolve, reject) => {
      ws.once("open", resolve);
      ws.once("error", reject);
    });
    ws.on("error", () => {});
    return client;
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** The next frame in order. */
  next(): Promise<ServerFrame> {
    return this.take(() => true);
  }

  /** The next matching frame; others stay queued. */
  take(wanted: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    const at = this.#queue.findIndex(wanted);
    const found = this.#queue[at];
    if (found) {
      this.#queue.splice(at, 1);
      return Promise.resolve(found);
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ wanted, resolve, reject });
    });
  }

  async hello(): Promise<this> {
    await this.take((frame) => frame.type === "hello");
    return this;
  }

  /** Opens a stream and waits for all of it. */
  async run(id: string, open: Record<string, unknown>) {
    this.send({ type: "open", id, ...open });
    return this.rest(id);
  }

  /** Everything of a stream up to its end. */
  async rest(id: string): Promise<{ events: EventFrame[]; end: EndFrame }> {
    const events: EventFrame[] = [];
    for (;;) {
      const frame = await this.take((candidate) => "id" in candidate && candidate.id === id);
      if (frame.type === "event") events.push(frame);
      if (frame.type === "end") return { events, end: frame };
      if (frame.type === "error") throw new Error(`${frame.error.code}: ${frame.error.message}`);
    }
  }

  close(): void {
    this.ws.close(1000);
  }

  [Symbol.dispose](): void {
    this.ws.terminate();
  }

  #receive(text: string): void {
    this.texts.push(text);
    const frame = ServerFrame.parse(JSON.parse(text));
    const at = this.#waiters.findIndex(({ wanted }) => wanted(frame));
    const [waiter] = at < 0 ? [] : this.#waiters.splice(at, 1);
    if (waiter) waiter.resolve(frame);
    else this.#queue.push(frame);
  }
}
