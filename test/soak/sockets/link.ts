import type { Socket } from "node:net";
import { WebSocket } from "ws";

export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

/** A client's socket: hands each frame to the one who waits for it, and cuts itself at a given frame. */
export class Link {
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  readonly #ws: WebSocket;
  readonly #queues = new Map<string, Frame[]>();
  readonly #waiting = new Map<string, () => void>();
  #isClosed = false;
  #frames = 0;

  private constructor(ws: WebSocket, nameOf: (frame: Frame) => string, cutAfter: number, reset: boolean) {
    this.#ws = ws;
    ws.on("error", () => {});
    ws.on("message", (bytes) => {
      // What comes after the cut is not read any more.
      if (this.#isClosed) return;
      const frame: Frame = JSON.parse(String(bytes));
      const name = nameOf(frame);
      const queue = this.#queues.get(name);
      if (queue) queue.push(frame);
      else this.#queues.set(name, [frame]);
      this.#waiting.get(name)?.();
      if (++this.#frames === cutAfter) this.cut(reset);
    });
    this.closed = new Promise((resolve) => {
      ws.on("close", (code) => {
        this.#end();
        resolve(code);
      });
    });
  }

  /** Undefined if the gateway cannot be reached. `nameOf`: whose frame it is. `reset`: with RST, not with FIN. */
  static async open(
    url: string,
    token: string,
    nameOf: (frame: Frame) => string,
    cutAfter: number,
    reset: boolean,
  ): Promise<Link | undefined> {
    const ws = new WebSocket(url.replace("http", "ws"), { headers: { authorization: `Bearer ${token}` } });
    const link = new Link(ws, nameOf, cutAfter, reset);
    const isOpen = await new Promise((resolve) => {
      ws.once("open", () => resolve(true));
      ws.once("close", () => resolve(false));
    });
    return isOpen ? link : undefined;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(frame: object): void {
    this.#ws.send(JSON.stringify(frame), () => {});
  }

  /** The next frame of this name; undefined once the socket is closed and all of its frames are read. */
  async next(name: string): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#queues.get(name)?.shift();
      if (frame || this.#isClosed) return frame;
      await new Promise<void>((resolve) => this.#waiting.set(name, resolve));
      this.#waiting.delete(name);
    }
  }

  /** Nothing more comes under this name. */
  forget(name: string): void {
    this.#queues.delete(name);
  }

  /** Reads nothing for this long. */
  rest(ms: number): void {
    this.#ws.pause();
    setTimeout(() => this.#ws.resume(), ms);
  }

  cut(reset: boolean): void {
    const { _socket: socket } = this.#ws as unknown as { readonly _socket: Socket | null };
    if (reset) socket?.resetAndDestroy();
    else this.#ws.terminate();
    this.#end();
  }

  #end(): void {
    this.#isClosed = true;
    for (const wake of this.#waiting.values()) wake();
  }
}
