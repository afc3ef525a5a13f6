import type { Socket } from "node:net";
import type { Target } from "../job.ts";
import type { LoadStream } from "../load-stream.ts";
import type { Wire } from "./wire.ts";

/** Sockets opened at once; more would measure a handshake storm. */
const CONNECTING_AT_ONCE = 50;

/** A WebSocket that many streams may share. */
export interface SharedSocket {
  readonly socket: Socket;
  /** Sends a stream's request now. */
  start(stream: LoadStream): void;
  cancel(stream: LoadStream): void;
  destroy(): void;
}

/** Opens one socket of a protocol. Rejects if it is refused. */
export type OpenSocket = (target: Target) => Promise<SharedSocket>;

/** Streams over WebSockets, many on each. */
export class SharedWire implements Wire {
  readonly #target: Target;
  readonly #open: OpenSocket;
  readonly #sockets: SharedSocket[] = [];
  readonly #homes = new Map<LoadStream, SharedSocket>();

  constructor(target: Target, open: OpenSocket) {
    this.#target = target;
    this.#open = open;
  }

  async connect(sockets: number): Promise<void> {
    const goal = this.#sockets.length + sockets;
    while (this.#sockets.length < goal) {
      const batch = Math.min(CONNECTING_AT_ONCE, goal - this.#sockets.length);
      this.#sockets.push(...(await Promise.all(Array.from({ length: batch }, () => this.#open(this.#target)))));
    }
  }

  start(stream: LoadStream, socket: number): void {
    const home = this.#sockets[socket];
    if (!home) throw new Error("no socket is open");
    if (!stream.probe) this.#homes.set(stream, home);
    home.start(stream);
  }

  cancel(stream: LoadStream): void {
    stream.cancelledNow();
    this.#homes.get(stream)?.cancel(stream);
  }

  pause(stream: LoadStream): void {
    this.#homes.get(stream)?.socket.pause();
  }

  resume(stream: LoadStream): void {
    this.#homes.get(stream)?.socket.resume();
  }

  bytesRead(stream: LoadStream): number {
    return this.#homes.get(stream)?.socket.bytesRead ?? 0;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
