import { WebSocket } from "ws";

/** A frame of the server. */
export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

/** A client of the Responses WebSocket that queues what it receives, so that no test races its handler. */
export class ResponsesSocketClient {
  readonly ws: WebSocket;
  /** Every frame as it came. */
  readonly texts: string[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #queue: Frame[] = [];
  #waiting: (() => void) | undefined;
  #isClosed = false;

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on("error", () => {});
    ws.on("message", (data) => {
      const text = data.toString();
      this.texts.push(text);
      this.#queue.push(JSON.parse(text));
      this.#waiting?.();
    });
    this.closed = new Promise((resolve) => {
      ws.on("close", (code, reason) => {
        this.#isClosed = true;
        this.#waiting?.();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Connects and waits until the socket is open. */
  static async connect(gatewayUrl: string, token?: string): Promise<ResponsesSocketClient> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const ws = new WebSocket(`${gatewayUrl.replace("http", "ws")}/v1/responses`, { headers });
    const client = new ResponsesSocketClient(ws);
    await new Promise((resolve, reject) => {
      ws.once("open", resolve);
      ws.once("error", reject);
    });
    return client;
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Asks for a response, by default of the model `responses` without storage. */
  create(fields: Readonly<Record<string, unknown>>): void {
    this.send({ type: "response.create", model: "responses", store: false, ...fields });
  }

  /** The next frame of a type, by default of any; others stay queued. Rejects if the socket closes before. */
  async next(type?: string, lane?: string): Promise<Frame> {
    for (;;) {
      const at = this.#queue.findIndex(
        (frame) => (type === undefined || frame.type === type) && (lane === undefined || frame.stream_id === lane),
      );
      const [found] = at < 0 ? [] : this.#queue.splice(at, 1);
      if (found) return found;
      if (this.#isClosed) throw new Error(`the socket closed before ${type ?? "a frame"}`);
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    this.ws.terminate();
  }
}
