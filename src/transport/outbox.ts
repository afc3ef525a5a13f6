import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/**
 * One socket's way out. Every frame is a WebSocket message of its own; all frames of one loop turn leave in one socket
 * write. `gateBytes` bounds what waits in the socket: beyond it stream frames stay in their logs, so that a control
 * frame is never stuck behind more than that.
 */
export class Outbox {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #gateBytes: number;
  readonly #drained: () => void;
  #corked = false;
  #blocked = false;
  #frames = 0;

  constructor(ws: WebSocket, socket: Duplex, gateBytes: number, drained: () => void) {
    this.#ws = ws;
    this.#socket = socket;
    this.#gateBytes = gateBytes;
    this.#drained = drained;
  }

  get frames(): number {
    return this.#frames;
  }

  /** Queues a text frame. False when the gate is closed: the frame is sent all the same, the next ones should wait. */
  push(frame: string): boolean {
    if (this.#ws.readyState !== this.#ws.OPEN) return true;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      setImmediate(this.#endOfTurn);
    }
    this.#frames++;
    this.#ws.send(frame, this.#written);
    return this.writable;
  }

  get writable(): boolean {
    if (this.#ws.bufferedAmount < this.#gateBytes) return true;
    // Corked bytes count as buffered: let the kernel take what it can before deciding.
    this.flush();
    this.#blocked = this.#ws.bufferedAmount >= this.#gateBytes;
    return !this.#blocked;
  }

  flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#socket.uncork();
  }

  readonly #endOfTurn = (): void => this.flush();

  readonly #written = (): void => {
    if (!this.#blocked || this.#ws.bufferedAmount >= this.#gateBytes) return;
    this.#blocked = false;
    this.#drained();
  };
}
