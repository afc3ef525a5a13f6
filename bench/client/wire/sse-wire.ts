import { bodyFor, targetFor } from "../asked.ts";
import type { Target } from "../job.ts";
import type { LoadStream } from "../load-stream.ts";
import { SseSocket } from "../sse-socket.ts";
import { inBatches } from "./in-batches.ts";
import type { Wire } from "./wire.ts";

/** Streams as SSE responses, each on its own connection while it runs. */
export class SseWire implements Wire {
  readonly #target: Target;
  readonly #url: URL;
  readonly #sockets: SseSocket[] = [];
  readonly #idle: SseSocket[] = [];
  readonly #homes = new Map<LoadStream, SseSocket>();

  constructor(target: Target) {
    this.#target = target;
    this.#url = new URL(target.url);
  }

  async connect(sockets: number): Promise<void> {
    for await (const opened of inBatches(sockets, () => this.#open())) this.#idle.push(...opened);
  }

  start(stream: LoadStream): void {
    const request = this.#request(stream);
    const home = this.#idle.pop();
    if (home) this.#send(home, stream, request);
    else
      this.#open().then(
        (opened) => this.#send(opened, stream, request),
        (error) => stream.end(String(error)),
      );
  }

  /** HTTP/1.1 has no other way to cancel. */
  cancel(stream: LoadStream): void {
    stream.cancelledNow();
    this.#homes.get(stream)?.destroy();
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

  async #open(): Promise<SseSocket> {
    const socket = await SseSocket.open(this.#url, (idle) => this.#idle.push(idle));
    this.#sockets.push(socket);
    return socket;
  }

  #send(home: SseSocket, stream: LoadStream, request: string): void {
    if (!stream.probe) this.#homes.set(stream, home);
    home.request(stream, request);
  }

  #request(stream: LoadStream): string {
    const { url, model = "bench", api } = targetFor(this.#target, stream.plan);
    const body = JSON.stringify({ model, stream: true, ...bodyFor(stream.plan) });
    const headers = {
      "content-type": "application/json",
      accept: "text/event-stream",
      ...(api === "messages" && { "anthropic-version": "2023-06-01" }),
      ...this.#target.headers,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const { host, pathname, search } = new URL(url);
    return [
      `POST ${pathname}${search} HTTP/1.1`,
      `host: ${host}`,
      `content-length: ${Buffer.byteLength(body)}`,
      ...lines,
      "",
      body,
    ].join("\r\n");
  }
}
