import type { Socket } from "node:net";
import type { Target } from "../job.ts";
import type { LoadStream } from "../load-stream.ts";
import { inBatches } from "./in-batches.ts";
import type { Wire } from "./wire.ts";

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
    for await (const opened of inBatches(sockets, () => this.#open(this.#target))) this.#sockets.push(...opened);
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
