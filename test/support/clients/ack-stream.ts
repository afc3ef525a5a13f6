import { createHash } from "node:crypto";
import type { ServerFrame } from "../../../protocol/stream.ts";
import type { EndFrame, ErrorFrame } from "./stream-client.ts";

/** One stream of an agent, over all the sockets it used. */
export class AckStream {
  readonly id: string;
  /** The gateway's name for it. */
  stream = "";
  /** The last event applied. */
  last = 0;
  /** Whether its client acknowledges none of its events. */
  holdsAcks = false;
  /** Frames that were not events, in order. */
  readonly frames: ServerFrame[] = [];
  /** Events out of sequence: each is a fault of the gateway. */
  readonly faults: string[] = [];
  /** Its end, or the refusal that ended it for this client. */
  readonly over: Promise<EndFrame | ErrorFrame>;
  isOver = false;
  readonly #open: Readonly<Record<string, unknown>>;
  readonly #chain = createHash("sha256");
  readonly #finish: (frame: EndFrame | ErrorFrame) => void;
  readonly #waiting: { readonly seq: number; readonly reached: () => void }[] = [];
  readonly #onApply: (seq: number, payload: string) => void;
  #epoch = 1;

  constructor(
    id: string,
    open: Readonly<Record<string, unknown>>,
    onApply: (seq: number, payload: string) => void = () => {},
  ) {
    this.id = id;
    this.#open = open;
    this.#onApply = onApply;
    const { promise, resolve } = Promise.withResolvers<EndFrame | ErrorFrame>();
    this.over = promise;
    this.#finish = resolve;
  }

  /** The frame to send on a new socket. */
  comeBack() {
    const { flow, batch } = this.#open;
    if (this.stream === "") return { type: "open", id: this.id, ...this.#open };
    return { type: "resume", id: this.id, stream: this.stream, epoch: this.#epoch, after: this.last, flow, batch };
  }

  /** Continues a stream that an earlier life of this client began. */
  begin(earlier: { readonly stream: string; readonly epoch: number; readonly last: number }): void {
    this.stream = earlier.stream;
    this.#epoch = earlier.epoch;
    this.last = earlier.last;
  }

  /** Resolves once the event with this number is applied. */
  reached(seq: number): Promise<void> {
    if (this.last >= seq) return Promise.resolve();
    return new Promise((reached) => this.#waiting.push({ seq, reached }));
  }

  /** The hash over all applied payloads and their numbers; can be read once. */
  digest(): string {
    return this.#chain.digest("hex");
  }

  apply(seq: number, payload: string): void {
    if (seq !== this.last + 1) {
      this.faults.push(`${seq <= this.last ? "duplicated" : "lost"}: ${seq} after ${this.last}`);
      return;
    }
    this.#onApply(seq, payload);
    this.last = seq;
    this.#chain.update(link(seq, payload));
    for (const { seq, reached } of this.#waiting) if (this.last >= seq) reached();
  }

  told(frame: ServerFrame): void {
    this.frames.push(frame);
    if (frame.type === "opened") {
      this.stream = frame.stream;
      this.#epoch = frame.epoch;
    } else if (frame.type === "end" || frame.type === "error") {
      if (frame.type === "end" && frame.lastSeq !== this.last) this.faults.push(`ends at ${frame.lastSeq}`);
      this.isOver = true;
      this.#finish(frame);
    }
  }
}

/** An event's input to the hash chain, the same at both ends. */
export const link = (seq: number, payload: string): string => `${seq} ${payload}\n`;
