import { writePlan } from "../payload/plan.ts";
import { shapeOf } from "../payload/shape.ts";
import type { Target } from "./job.ts";
import type { LoadStream } from "./load-stream.ts";
import { SluiceSocket } from "./sluice-socket.ts";
import { MAX_TOKENS, type Wire } from "./wire.ts";

/** Sockets opened at once; more would measure a handshake storm. */
const CONNECTING_AT_ONCE = 50;

/** Streams over `sluice.v1`, many on each socket. */
export class SluiceWire implements Wire {
  readonly #target: Target;
  readonly #sockets: SluiceSocket[] = [];
  readonly #homes = new Map<LoadStream, SluiceSocket>();

  constructor(target: Target) {
    this.#target = target;
  }

  async connect(sockets: number): Promise<void> {
    const headers = this.#target.headers ?? {};
    const goal = this.#sockets.length + sockets;
    while (this.#sockets.length < goal) {
      const batch = Math.min(CONNECTING_AT_ONCE, goal - this.#sockets.length);
      const url = new URL(this.#target.url);
      const opened = await Promise.all(Array.from({ length: batch }, () => SluiceSocket.open(url, headers)));
      this.#sockets.push(...opened);
    }
  }

  start(stream: LoadStream, socket: number): void {
    const home = this.#sockets[socket];
    if (!home) throw new Error("no socket is open");
    if (!stream.probe) this.#homes.set(stream, home);
    const messagesApi = shapeOf(stream.plan.payload).api === "messages";
    const { route, model } = { ...this.#target, ...(messagesApi && this.#target.messages) };
    const limit = messagesApi && { max_tokens: MAX_TOKENS };
    const messages = [{ role: "user", content: writePlan(stream.plan) }];
    home.start(stream, {
      type: "open",
      id: String(stream.plan.key),
      ...(model === undefined ? { route: route ?? "bench" } : { model }),
      body: { ...(model === undefined && { model: "bench" }), messages, ...limit },
      away: "cancel",
      // A stalled reader acknowledges nothing, so its stream must use acknowledgements.
      ...(!stream.faulty && { flow: "none" }),
    });
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
