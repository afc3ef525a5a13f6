import { GatewayError } from "../../core/kernel/errors.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import { FaultOnce } from "../link/fault-once.ts";
import type { RedisLink } from "../link/redis-link.ts";
import { APPEND, appendAnswer, appendArguments } from "./append-script.ts";
import type { StreamKeys } from "./stream-keys.ts";
import { Tap } from "./tap.ts";
import type { TapParts } from "./tap-parts.ts";

/** How long events wait for others, in milliseconds. */
const TICK_MS = 10;
/** How many calls a node that leaves makes at most: each takes up to 128 KiB of a stream, whose log holds about a megabyte. */
const MOST_LAST_CALLS = 100;
/** Streams in one call: so many take Redis about a millisecond. */
const MOST_STREAMS = 64;
/** How long a stream waits whose append was refused, in milliseconds. */
const REFUSED_MS = 1_000;
/** How long a stream's hash outlives its log, in milliseconds: for that long clients learn that it has expired. */
export const OUTLIVES_MS = 600_000;

type Due = readonly [tap: Tap, append: NonNullable<ReturnType<Tap["next"]>>];

/** What an appender is made of. */
export interface AppenderParts
  extends Pick<TapParts<Tap>, "now" | "wall" | "keptMs" | "ended" | "fenced" | "holed" | "removed"> {
  readonly node: string;
  readonly link: RedisLink;
  readonly keys: StreamKeys;
  readonly fault: (error: unknown) => void;
}

/** Writes the streams of a node to Redis, a moment behind: one timer for all, one call for up to 64 of them. */
export class Appender {
  readonly #parts: AppenderParts;
  readonly #faults: FaultOnce;
  readonly #taps = new Set<Tap>();
  /** Those a tick must look at. */
  readonly #busy = new Set<Tap>();
  /** Those whose first append has not been answered yet. */
  readonly #begun = new Map<Tap, Promise<void>>();
  /** Those whose keys hold what no node writes, and when each is tried again: by itself, because it fails the whole call. */
  readonly #refused = new Map<Tap, number>();
  #timer: NodeJS.Timeout | undefined;
  #urgent: NodeJS.Immediate | undefined;
  #round: Promise<void> | undefined;
  #isUrgent = false;
  #isClosed = false;

  constructor(parts: AppenderParts) {
    this.#parts = parts;
    this.#faults = new FaultOnce(parts.fault);
  }

  /** Streams with events that Redis does not have yet, and the size of these. */
  get behind(): { readonly streams: number; readonly bytes: number } {
    const sum = { streams: 0, bytes: 0 };
    for (const { behind, behindBytes } of this.#busy) {
      if (behind > 0) sum.streams++;
      sum.bytes += behindBytes;
    }
    return sum;
  }

  /** Starts to write a stream. */
  add(registered: RegisteredStream): Tap {
    const { now, wall, keptMs, ended, fenced, holed, removed, link } = this.#parts;
    const tap = new Tap(registered, {
      now,
      wall,
      keptMs,
      isUp: () => link.isUp,
      ended,
      changed: (changed, isUrgent) => this.#changed(changed, isUrgent),
      fenced: (lost) => {
        this.#forget(lost);
        fenced(lost);
      },
      holed,
      removed: (gone) => {
        this.#forget(gone);
        removed(gone);
      },
    });
    this.#taps.add(tap);
    registered.stream.hold(tap);
    this.#introduce(tap);
    return tap;
  }

  /** Redis lost its data: everything that is still here is written again. */
  beginAnew(): void {
    for (const tap of this.#taps) tap.beginAnew();
  }

  /** This node may have been taken for dead, or Redis may be another one, which lacks what was written last. */
  recheck(): void {
    for (const tap of this.#taps) tap.recheck();
  }

  /** Others have ended this node's streams, or are about to. If none did, their ends are written as others would write them. */
  giveUp(): void {
    for (const { registered } of this.#taps) registered.stream.cancel(new GatewayError("owner_lost"));
  }

  /** Redis is away: what waits for it goes on without it. */
  away(): void {
    for (const { registered } of [...this.#busy, ...this.#begun.keys()]) registered.stream.readerMoved();
  }

  /** Writes what is left; resolves when that is done or cannot be. */
  async flush(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#round, ...this.#begun.values()]);
    for (let call = 0; call < MOST_LAST_CALLS && this.#parts.link.isUp && this.#busy.size > 0; call++) {
      await this.#write();
    }
  }

  /**
   * Writes a stream to Redis in the turn in which its client learns of it, even while a round is under way: if this node is
   * killed then, others know of the stream.
   */
  #introduce(tap: Tap): void {
    const { stream } = tap.registered;
    const introduced = async () => {
      // Its client has it by then.
      await undefined;
      const append = this.#parts.link.isUp ? tap.next() : undefined;
      if (append) await this.#append([[tap, append]]);
      this.#begun.delete(tap);
      if (this.#taps.has(tap)) this.#changed(tap, stream.terminal !== undefined);
    };
    this.#begun.set(tap, introduced());
  }

  #forget(tap: Tap): void {
    this.#taps.delete(tap);
    this.#busy.delete(tap);
    this.#refused.delete(tap);
    tap.registered.stream.letGo(tap);
  }

  #changed(tap: Tap, isUrgent: boolean): void {
    if (this.#begun.has(tap)) return;
    this.#busy.add(tap);
    this.#isUrgent ||= isUrgent;
    this.#arm();
  }

  #arm(): void {
    if (this.#isClosed || this.#round || this.#busy.size === 0) return;
    if (this.#isUrgent && this.#parts.link.isUp) this.#urgent ??= setImmediate(() => this.#begin());
    else this.#timer ??= setTimeout(() => this.#begin(), TICK_MS).unref();
  }

  #begin(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#urgent);
    this.#timer = undefined;
    this.#urgent = undefined;
    if (this.#isClosed || this.#round !== undefined) return;
    this.#isUrgent = false;
    this.#round = this.#write().finally(() => {
      this.#round = undefined;
      this.#arm();
    });
  }

  /** One append of each stream that has something to write. */
  async #write(): Promise<void> {
    if (!this.#parts.link.isUp) return;
    const due: Due[] = [];
    const calls: Promise<boolean>[] = [];
    const now = this.#refused.size > 0 ? this.#parts.now() : 0;
    for (const tap of this.#busy) {
      const againAt = this.#refused.get(tap);
      if (againAt !== undefined) {
        if (now >= againAt) calls.push(this.#appendAlone(tap));
        continue;
      }
      const append = tap.next();
      if (append) due.push([tap, append]);
      else if (!tap.isRunning) this.#busy.delete(tap);
    }
    for (let at = 0; at < due.length; at += MOST_STREAMS) calls.push(this.#append(due.slice(at, at + MOST_STREAMS)));
    const done = await Promise.all(calls);
    if (this.#refused.size === 0 && done.length > 0 && done.every(Boolean)) this.#faults.works();
    this.#isUrgent ||= due.some(([, { isFull }]) => isFull);
  }

  /** Resolves with whether Redis took it. */
  async #append(due: readonly Due[]): Promise<boolean> {
    const { node, link, keys } = this.#parts;
    const names = due.flatMap(([{ id }]) => [keys.log(id), keys.meta(id)]);
    const call = { node, channel: keys.wake(""), outlivesMs: OUTLIVES_MS };
    const parts = due.map(([tap, append]) => tap.partOf(append));
    try {
      const reply = await link.run(APPEND, [keys.owned(node), ...names], appendArguments(call, parts));
      due.forEach(([tap, append], place) => {
        tap.answered(append, appendAnswer(reply, place));
      });
      return true;
    } catch (error) {
      // The link reports that Redis is away.
      if (!link.isUp || error instanceof GatewayError) return false;
      const [[tap] = [], ...others] = due;
      if (others.length > 0) return (await Promise.all(due.map(([one]) => this.#appendAlone(one)))).every(Boolean);
      if (tap) this.#refused.set(tap, this.#parts.now() + REFUSED_MS);
      this.#faults.failed(error);
      return false;
    }
  }

  async #appendAlone(tap: Tap): Promise<boolean> {
    // Anew: the stream may have changed since a call with others.
    const append = tap.next();
    const isDone = append === undefined || (await this.#append([[tap, append]]));
    if (isDone) this.#refused.delete(tap);
    return isDone;
  }
}
