import type { Socket } from "node:net";
import { nowUs } from "../payload/clock.ts";
import { type EventLayout, ending, layoutFor, leadIn } from "../payload/event-layout.ts";
import type { Plan } from "../payload/plan.ts";
import { chunkOf, EventBlock } from "./event-block.ts";
import type { CountedStream, UpstreamStats } from "./upstream-stats.ts";

const HEAD = Buffer.from(
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n",
  "latin1",
);

const LAST_CHUNK = Buffer.from("0\r\n\r\n", "latin1");

/** Writes that an unpaced stream may make before others get a turn. */
const WRITES_PER_TURN = 4;

/**
 * One answer. Its writes are due at fixed times from the request on. A write carries the time it is made, or, if it was due
 * while the socket accepted nothing, the time it was due, so that a reader's stall is never hidden from the figures.
 */
export class PlayedStream implements CountedStream {
  readonly #socket: Socket;
  readonly #plan: Plan;
  readonly #stats: UpstreamStats;
  readonly #ended: () => void;
  readonly #intervalUs: number;
  readonly #layout: EventLayout;
  #block: EventBlock;
  #dueUs: number;
  #sent = 0;
  #begun = false;
  #over = false;
  #unblockedAtUs = 0;
  blockedSinceUs: number | undefined;

  constructor(socket: Socket, plan: Plan, stats: UpstreamStats, ended: () => void) {
    this.#socket = socket;
    this.#plan = plan;
    this.#stats = stats;
    this.#ended = ended;
    this.#intervalUs = plan.writesPerSecond > 0 ? 1e6 / plan.writesPerSecond : 0;
    this.#layout = layoutFor(plan.payload, plan.bytes);
    this.#block = new EventBlock(plan.key, Math.min(plan.burst, plan.count), this.#layout);
    this.#dueUs = nowUs() + plan.firstMs * 1000;
    stats.opened(this);
  }

  get group(): number {
    return this.#plan.group;
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Performs the writes that are due. */
  tick(): void {
    if (this.#over || this.blockedSinceUs !== undefined) return;
    if (this.#intervalUs > 0) {
      while (this.#dueUs <= nowUs() && this.#writeNext());
    } else if (this.#dueUs <= nowUs()) {
      let writes = 0;
      while (writes++ < WRITES_PER_TURN && this.#writeNext());
    }
  }

  hangUp(): void {
    this.gone();
    this.#socket.destroy();
  }

  /** The other side has disconnected. */
  gone(): void {
    if (this.#over) return;
    this.#stats.closed(this.#plan.key, nowUs());
    this.#finish();
  }

  /** False if no further write may follow now. */
  #writeNext(): boolean {
    const left = this.#plan.count - this.#sent;
    if (left < this.#block.events) this.#block = new EventBlock(this.#plan.key, left, this.#layout);
    const now = nowUs();
    const wasDueBlocked = this.#intervalUs > 0 && this.#dueUs <= this.#unblockedAtUs;
    if (this.#intervalUs > 0 && !wasDueBlocked) this.#stats.late(now - this.#dueUs);
    this.#block.stamp(this.#sent + 1, wasDueBlocked ? this.#dueUs : now);
    this.#dueUs += this.#intervalUs;
    this.#sent += this.#block.events;
    this.#stats.wrote(this.group, this.#block.events, this.#block.bytes.length);

    const last = this.#sent >= this.#plan.count;
    const corked = !this.#begun || last;
    if (corked) this.#socket.cork();
    if (!this.#begun) this.#begin();
    this.#socket.write(this.#block.bytes, this.#written);
    if (last) this.#end();
    if (corked) this.#socket.uncork();

    if (last) this.#finish();
    else if (this.#socket.writableLength > 0) this.#wait();
    return !last && this.blockedSinceUs === undefined;
  }

  #begin(): void {
    this.#begun = true;
    this.#socket.write(HEAD);
    this.#socket.write(chunkOf(leadIn(this.#plan.payload, this.#plan.key)));
  }

  #end(): void {
    const { payload, key, count } = this.#plan;
    this.#socket.write(chunkOf(ending(payload, key, count)));
    this.#socket.write(LAST_CHUNK);
  }

  /** The block's bytes belong to the socket until it has accepted them. */
  #wait(): void {
    this.blockedSinceUs = nowUs();
    this.#stats.blocked(this.group);
  }

  readonly #written = (error?: Error | null): void => {
    if (error || this.blockedSinceUs === undefined || this.#over || this.#socket.writableLength > 0) return;
    const now = nowUs();
    this.#stats.unblocked(this.group, now - this.blockedSinceUs);
    this.blockedSinceUs = undefined;
    this.#unblockedAtUs = now;
    this.tick();
  };

  #finish(): void {
    this.#over = true;
    this.#stats.open.delete(this);
    this.#ended();
  }
}
