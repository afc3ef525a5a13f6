import type { Code } from "../../../protocol/codes.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";
import type { JsonObject } from "../../core/kernel/json.ts";
import type { Attachment, StreamWatcher } from "../../core/stream/registered-stream.ts";
import { Stream } from "../../core/stream/stream.ts";
import { entryBytes, type StreamLog } from "../../core/stream/stream-log.ts";
import type { Producer } from "../../core/stream/stream-parts.ts";
import { endOfText } from "./stored-end.ts";
import type { StoredStream } from "./stored-stream.ts";

/** How often a stream may be missing before it counts as gone: within seconds its owner writes again what Redis has lost. */
const MOST_MISSES = 8;

/** How the estimate of event sizes fades with each event: a large one is forgotten after a hundred small ones. */
const FADING = 0.95;

/** What a mirror needs of its node. */
export interface MirrorParts {
  readonly id: string;
  /** The node that runs the stream. */
  readonly owner: string;
  /** Empty, and begins where its client reads on. */
  readonly log: StreamLog;
  readonly startedAt: number;
  readonly now: () => number;
  /** Its dialect, by the name; known once it has events. */
  readonly dialect: (name: string | undefined) => Stream["dialect"];
  /** What follows `after`, a few batches of it; undefined if there is no such stream any more. */
  readonly read: (after: number) => Promise<StoredStream | undefined>;
  /** Its owner seems to be gone: ends the stream if that is so. */
  readonly orphaned: () => Promise<void>;
  /** Tells the owner, in order. `delivered` is called once it knows. */
  readonly tell: (what: string, body: JsonObject, delivered?: () => void) => void;
  /** Tells the owner how far its client is, at once. Resolves with whether the owner is there; never rejects. */
  readonly moved: (reader: string, seq: number) => Promise<boolean>;
  /** Its client has handled everything. */
  readonly done: (isAcknowledged: boolean) => void;
  /** It cannot be read any further. */
  readonly lost: (why: Code) => void;
  /** Nobody reads it any more. */
  readonly removed: () => void;
  readonly fault: (error: unknown) => void;
}

/**
 * A stream that runs on another node, for a client that reads it here: fetches what the owner has written, and tells the owner
 * that it has a reader, how far that reader is, and what it wants.
 */
export class Mirror implements Producer, StreamWatcher {
  readonly stream: Stream;
  /** Names this mirror among all readers of the cluster. */
  readonly reader = crypto.randomUUID();
  readonly #parts: MirrorParts;
  /** What its client had seen when it came: perhaps more than the owner had written. */
  readonly #after: number;
  #isAttached = false;
  #isShared = false;
  /** The owner knows its reader, and hears how far that one is. */
  #isKnown = false;
  #reported: number;
  #isPaused = false;
  #isFetching = false;
  #isBehind = false;
  #misses = 0;
  /** How large events have been lately. */
  #entryBytes = 0;
  #isOver = false;

  constructor(parts: MirrorParts, { facts }: StoredStream) {
    const { id, log, startedAt, now, dialect, fault } = parts;
    const { route, model, tellsDialect } = facts;
    this.#parts = parts;
    this.#after = log.head;
    this.#reported = log.head;
    this.stream = new Stream({ id, epoch: 1, route, model, startedAt, tellsDialect }, log, now, fault);
    this.stream.producedBy(this, dialect(facts.dialect));
  }

  get owner(): string {
    return this.#parts.owner;
  }

  /** Takes what was read. A hole, where the owner could not write for too long, ends it for its client. */
  take({ owner, facts, entries, end, seq }: StoredStream): void {
    const { log } = this.stream;
    if (log.head === 0 && entries.length > 0) this.stream.producedBy(this, this.#parts.dialect(facts.dialect));
    for (const entry of entries) {
      if (this.#isOver) return;
      if (entry.seq <= log.head) continue;
      if (entry.seq > log.head + 1) {
        this.#parts.lost("resume_failed");
        return;
      }
      log.append(entry.event, entry.data, entry.raw, entry.hasContent);
      this.#entryBytes = Math.max(entryBytes(entry), this.#entryBytes * FADING);
    }
    if (entries.length > 0) this.stream.wakeReaders();
    this.stream.readerMoved();
    if (this.#isOver || end === undefined) return;
    // Only a lost owner may have sent more than it could write.
    if (owner !== "" && seq < this.#after) this.#parts.lost("resume_failed");
    else if (log.head >= seq) this.stream.end(endOfText(end, log.head));
    else if (entries.length === 0) this.#parts.lost("resume_failed");
  }

  /** There may be more to read. */
  look(): void {
    this.#isBehind = true;
    if (!this.#isFetching) void this.#fetch();
  }

  /** Tells the owner how far the client is; with `early`, only if that frees about so many bytes of its log. */
  report(early?: { readonly ifBytes: number }): void {
    const { handled } = this.stream;
    const before = this.#reported;
    if (this.#isOver || !this.#isKnown || handled === before) return;
    if (early && (handled - before) * this.#entryBytes < early.ifBytes) return;
    this.#reported = handled;
    // The owner may wait for just this: what did not reach it is reported again.
    void this.#parts.moved(this.reader, handled).then((isThere) => {
      if (!isThere) this.#reported = Math.min(this.#reported, before);
    });
  }

  /** Tells the owner again who reads: it may not have heard, or may have forgotten. */
  reattach(): void {
    if (this.#isAttached && !this.#isOver) this.#introduce({ after: this.stream.handled, again: true });
  }

  // ── as the stream's producer ──────────────────────────────────────────────────────────────────────────────────────

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isBehind) this.look();
  }

  cancel({ code, message }: GatewayError): void {
    this.#parts.tell("cancel", { code, message });
  }

  /** Only the owner knows what is spent. */
  cut(): void {}

  // ── as its watcher ────────────────────────────────────────────────────────────────────────────────────────────────

  attached({ isShared = false }: Attachment): void {
    if (this.#isAttached) return;
    this.#isAttached = true;
    this.#isShared = isShared;
    this.#introduce({ after: this.#reported });
  }

  detached(why: Code | undefined): void {
    this.report();
    this.#parts.tell("detach", { reader: this.reader, ...(why !== undefined && { why }) });
  }

  ended(): void {}

  done(isAcknowledged: boolean): void {
    this.#parts.done(isAcknowledged);
  }

  removed(): void {
    this.#isOver = true;
    this.#parts.removed();
  }

  #introduce(where: JsonObject): void {
    this.#isKnown = false;
    this.#parts.tell("attach", { reader: this.reader, ...(this.#isShared && { shared: true }), ...where }, () => {
      this.#isKnown = true;
    });
  }

  get #mayFetch(): boolean {
    return this.#isBehind && !this.#isPaused && !this.#isOver && !this.stream.terminal;
  }

  async #fetch(): Promise<void> {
    this.#isFetching = true;
    try {
      while (this.#mayFetch) {
        this.#isBehind = false;
        await this.#fetchOnce();
      }
    } catch {
      // Redis is away. Another look follows within a second.
    }
    this.#isFetching = false;
  }

  async #fetchOnce(): Promise<void> {
    const stored = await this.#parts.read(this.stream.log.head);
    if (this.#isOver) return;
    if (!stored) {
      if (++this.#misses > MOST_MISSES) this.#parts.lost("resume_failed");
      return;
    }
    this.#misses = 0;
    // Once it has an end, all readers are woken.
    if (!stored.end && !stored.isOwnerAlive) await this.#parts.orphaned();
    this.#isBehind ||= stored.hasMore;
    this.take(stored);
  }
}
