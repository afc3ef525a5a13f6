import type { Code } from "../../../protocol/codes.ts";
import type { Dialect } from "../../core/dialect/dialect.ts";
import type { JsonObject } from "../../core/kernel/json.ts";
import type { LogBudget } from "../../core/stream/log-budget.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { ResumeFailure } from "../../core/stream/resume-failure.ts";
import { type LogLimits, StreamLog } from "../../core/stream/stream-log.ts";
import { findStored } from "./finding.ts";
import type { SearchResult } from "./inquiries.ts";
import { Mirror } from "./mirror.ts";
import { isCode } from "./stored-end.ts";
import type { StoredStream } from "./stored-stream.ts";

/** How many batches a look takes at most; each is 128 KiB or a single event. */
const BATCHES = 8;
/** How often readers' positions may be reported to owners, in milliseconds, if that frees a part of their logs. */
const TICK_MS = 20;
const REPORT_BYTES = 65_536;
const REPORT_SHARE = 1 / 4;
/** After how many ticks positions are reported anyway, and streams are read without a wake-up. */
const TICKS_A_REPORT = 5;
const TICKS_A_LOOK = 50;

/** What mirrors need of their node. */
export interface MirrorsParts {
  readonly registry: StreamRegistry;
  readonly limits: LogLimits;
  readonly budget: LogBudget;
  readonly dialects: ReadonlyMap<string, Dialect>;
  readonly now: () => number;
  readonly fault: (error: unknown) => void;
  readonly read: (id: string, after: number, batches: number) => Promise<StoredStream | undefined>;
  /** Ends a stream whose node is gone. */
  readonly takeOver: (id: string, node: string) => Promise<unknown>;
  /** Asks nodes, or all others, who has a stream. */
  readonly seek: (id: string, among?: readonly string[]) => Promise<SearchResult>;
  /** Calls `woken` when a stream may have more, until disposed. */
  readonly wakes: (id: string, woken: () => void) => Disposable;
  /** Tells a node, in order. `delivered` is called once it knows. */
  readonly tellOwner: (node: string, body: JsonObject, delivered?: () => void) => void;
  /** Tells a node at once. Resolves with whether it is there; never rejects. */
  readonly tellNow: (node: string, body: JsonObject) => Promise<boolean>;
  /** A client here has handled all of a stream that has ended. */
  readonly done: (id: string, owner: string, isAcknowledged: boolean) => void;
}

/** The streams of other nodes that clients read here. */
export class Mirrors {
  readonly #parts: MirrorsParts;
  readonly #mirrors = new Map<string, { readonly mirror: Mirror; readonly registered: RegisteredStream }>();
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;

  constructor(parts: MirrorsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#mirrors.size;
  }

  /** As `Elsewhere.find`. */
  async find(
    id: string,
    caller: string,
    epoch: number | undefined,
    after: number,
  ): Promise<RegisteredStream | ResumeFailure> {
    const { now, read, takeOver, seek } = this.#parts;
    const parts = { now, read: (one: string, from: number) => read(one, from, BATCHES), takeOver, seek };
    const found = await findStored({ id, caller, epoch, after }, parts);
    if (typeof found === "string") return found;
    this.#parts.registry.admit();
    return this.#mirror(id, found, after);
  }

  /** The client of this reader has lost its stream. */
  lost(reader: unknown, why: unknown): void {
    const found = this.#mirrors.get(String(reader));
    if (found) this.#parts.registry.lose(found.registered, isCode(why) ? why : "superseded");
  }

  /** Redis is back: there may be much to read, and owners may have forgotten who reads. */
  back(): void {
    for (const { mirror } of this.#mirrors.values()) {
      mirror.reattach();
      mirror.look();
    }
  }

  /** All clients here lose the streams of other nodes. */
  loseAll(why: Code): void {
    for (const { registered } of [...this.#mirrors.values()]) this.#parts.registry.lose(registered, why);
  }

  #mirror(id: string, stored: StoredStream, after: number): RegisteredStream {
    const { registry, limits, budget, dialects, now, fault, read, takeOver, wakes, done } = this.#parts;
    const { tellOwner, tellNow } = this.#parts;
    const { owner, facts, previous } = stored;
    const mirror: Mirror = new Mirror(
      {
        id,
        owner,
        log: new StreamLog(limits, budget, after),
        startedAt: now(),
        now,
        dialect: (name) => dialects.get(name ?? ""),
        read: (from) => read(id, from, BATCHES),
        orphaned: async () => void (await takeOver(id, owner)),
        tell: (what, body, delivered) => tellOwner(owner, { what, stream: id, ...body }, delivered),
        moved: (reader, seq) => tellNow(owner, { what: "handled", stream: id, reader, seq }),
        done: (isAcknowledged) => done(id, owner, isAcknowledged),
        lost: (why) => registry.lose(registered, why),
        removed: () => {
          waking[Symbol.dispose]();
          this.#mirrors.delete(mirror.reader);
          if (this.#mirrors.size === 0) this.#rest();
        },
        fault,
      },
      stored,
    );
    const waking = wakes(id, () => mirror.look());
    // Whoever read it from an owner that is gone lost it with that.
    const last = owner === "" && previous === "superseded" ? "owner_lost" : previous;
    const registered = registry.addMirror(mirror.stream, facts.caller, isCode(last) ? last : undefined, mirror);
    this.#mirrors.set(mirror.reader, { mirror, registered });
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    mirror.take(stored);
    if (stored.hasMore) mirror.look();
    return registered;
  }

  #tick(): void {
    const { maxBytes } = this.#parts.limits;
    const isReport = ++this.#ticks % TICKS_A_REPORT === 0;
    const isLook = this.#ticks % TICKS_A_LOOK === 0;
    const early = { ifBytes: Math.min(REPORT_BYTES, maxBytes * REPORT_SHARE) };
    for (const { mirror } of this.#mirrors.values()) {
      mirror.report(isReport ? undefined : early);
      if (isLook) mirror.look();
    }
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
