import type { Clock, SocketLike } from "./environment.ts";
import { Receipts } from "./receipts.ts";
import type { Limits, Received, Sent } from "./wire.ts";

/** An acknowledgement may wait so long, in milliseconds (protocol/README.md, Flow control). */
const ACK_MS = 100;
/** The least time between two, in milliseconds: half of the 200 frames a second that a gateway takes from a client. */
const ACK_GAP_MS = 10;

/** A socket that closed without a code, or was given up. */
export const NO_CODE = 1006;

/** What a link is made of. */
export interface LinkParts {
  readonly socket: SocketLike;
  readonly clock: Clock;
  /** How long the gateway's hello may take, in milliseconds. */
  readonly handshakeMs: number;
  /** How long it may be silent afterwards, in milliseconds. */
  readonly silenceMs: number;
  /** Called after the hello. */
  readonly ready: (link: Link) => void;
  /** Called with each later frame and the size of its text. An error without an id has that of the oldest request. */
  readonly frame: (frame: Received, size: number, link: Link) => void;
  /** Called once, unless the link is closed from here. */
  readonly lost: (link: Link, closeCode: number, reason: string) => void;
}

/** One socket: hello, acknowledgements, and whether it is alive. */
export class Link {
  limits: Limits | undefined;
  readonly #parts: LinkParts;
  readonly #receipts = new Receipts();
  /** Requests without an answer, oldest first: the gateway answers in order. */
  readonly #unanswered: string[] = [];
  #heardAt: number;
  #stopWatch = () => {};
  #stopAck = () => {};
  #ackAt = Number.POSITIVE_INFINITY;
  #ackedAt = Number.NEGATIVE_INFINITY;
  #isOver = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#heardAt = parts.clock.now();
    const { socket } = parts;
    socket.addEventListener("message", ({ data }) => this.#message(String(data)));
    socket.addEventListener("close", ({ code, reason }) => this.#lost(code ?? NO_CODE, reason ?? ""));
    // A close follows. Without a listener the package ws would throw.
    socket.addEventListener("error", () => {});
    this.#watch();
  }

  get isReady(): boolean {
    return this.limits !== undefined && !this.#isOver;
  }

  /** Sends an open or a resume, which will be answered. */
  request(id: string, text: string): void {
    this.#unanswered.push(id);
    this.#parts.socket.send(text);
  }

  send(frame: Sent): void {
    if (!this.#isOver) this.#parts.socket.send(JSON.stringify(frame));
  }

  /** All events of a stream up to `seq` are handled; the newest has this size. */
  handled(id: string, seq: number, bytes: number): void {
    this.#receipts.handled(id, seq, bytes);
    this.#planAck();
  }

  /** Says what was handled, and closes. Nothing is heard of it any more. */
  close(): void {
    if (this.#isOver) return;
    if (this.limits && this.#receipts.owes) this.#acknowledge();
    this.#end();
    this.#parts.socket.close();
  }

  /** Gives a dead or broken socket up. */
  drop(reason: string): void {
    const wasOver = this.#isOver;
    const { socket } = this.#parts;
    this.#lost(NO_CODE, reason);
    if (wasOver) return;
    // The other side is not there, or not to be trusted: it may never answer a close.
    if (socket.terminate) socket.terminate();
    else socket.close();
  }

  #message(text: string): void {
    if (this.#isOver) return;
    this.#heardAt = this.#parts.clock.now();
    this.#receipts.arrived(text.length);
    const frame = parsed(text);
    if (!frame) this.drop("what came is no frame");
    else if (frame.type === "hello") {
      this.limits = frame.limits;
      // From now on for silence.
      this.#watch();
      this.#parts.ready(this);
    } else this.#parts.frame(this.#answered(frame), text.length, this);
    this.#planAck();
  }

  #answered(frame: Received): Received {
    if (frame.type !== "opened" && frame.type !== "resumed" && frame.type !== "error") return frame;
    const id = frame.id ?? this.#unanswered[0];
    const at = this.#unanswered.indexOf(id ?? "");
    if (at >= 0) this.#unanswered.splice(at, 1);
    return frame.type === "error" ? { ...frame, id } : frame;
  }

  #planAck(): void {
    if (this.#isOver || !this.#receipts.owes) return;
    const now = this.#parts.clock.now();
    const at = this.#receipts.isDue ? this.#ackedAt + ACK_GAP_MS : now + ACK_MS;
    if (at <= now) this.#acknowledge();
    else if (at < this.#ackAt) {
      this.#stopAck();
      this.#ackAt = at;
      this.#stopAck = this.#parts.clock.after(at - now, () => this.#acknowledge());
    }
  }

  #acknowledge(): void {
    this.#stopAck();
    this.#ackAt = Number.POSITIVE_INFINITY;
    this.#ackedAt = this.#parts.clock.now();
    this.send(this.#receipts.take());
  }

  /** One timer that looks at the time of the last message, not one a message. */
  #watch(): void {
    this.#stopWatch();
    const { clock, handshakeMs, silenceMs } = this.#parts;
    const limitMs = this.limits ? silenceMs : handshakeMs;
    const leftMs = this.#heardAt + limitMs - clock.now();
    if (leftMs <= 0) this.drop(`nothing was heard for ${limitMs} ms`);
    else this.#stopWatch = clock.after(leftMs, () => this.#watch());
  }

  #lost(closeCode: number, reason: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#parts.lost(this, closeCode, reason);
  }

  #end(): void {
    this.#isOver = true;
    this.#stopWatch();
    this.#stopAck();
  }
}

function parsed(text: string): Received | undefined {
  try {
    const value: Received | null = JSON.parse(text);
    return value ?? undefined;
  } catch {
    return undefined;
  }
}
