import assert from "node:assert/strict";
import type { Code } from "../../../protocol/codes.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { Reader, ReaderSink } from "../../../src/core/stream/reader.ts";
import type { Attachment, AwayPolicy, RegisteredStream } from "../../../src/core/stream/registered-stream.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { type Entry, entryBytes, StreamLog } from "../../../src/core/stream/stream-log.ts";
import type { Terminal } from "../../../src/core/stream/terminal.ts";
import { Window } from "../../../src/core/stream/window.ts";
import { noFault } from "../relay/no-fault.ts";
import type { RegistryRig } from "../relay/registry-rig.ts";

const LOG = { maxBytes: 40_000, maxEntries: 30 };
const WINDOW = { maxBytes: 12_000, maxEntries: 8 };

/** A stream on a registry, all texts its upstream ever wrote, and its client, who applies an event iff it is the next. */
export class PlayedStream {
  readonly texts: string[] = [];
  readonly caller: string;
  readonly away: AwayPolicy;
  readonly stream: Stream;
  readonly registered: RegisteredStream;
  /** What the upstream was asked. It stops when it is asked to. */
  readonly producer = { paused: false, stuckSince: 0 };
  readonly cancels: Code[] = [];
  visit: Visit | undefined;
  /** Why the last visit ended. */
  previous: Code | undefined;
  /** How many events the client has applied, in all its visits. */
  applied = 0;
  /** Up to where the log may have been given up. */
  mayBeLost = 0;
  /** When a visit last began or ended. */
  since: number;
  endedAt: number | undefined;
  /** Its client said that it has handled all of it, and nobody came back since. */
  isHandled = false;
  readonly #rig: RegistryRig;
  #tail = 0;

  constructor(rig: RegistryRig, id: string, away: AwayPolicy) {
    const { clock, budget, registry } = rig;
    this.#rig = rig;
    this.away = away;
    this.caller = `owner of ${id}`;
    this.since = clock.now;
    const info = { id, epoch: 1, route: "test", model: undefined, startedAt: clock.now };
    this.stream = new Stream(info, new StreamLog(LOG, budget), () => clock.now, noFault);
    this.stream.producedBy({
      cut() {},
      pause: () => {
        assert.equal(this.producer.paused, false);
        Object.assign(this.producer, { paused: true, stuckSince: clock.now });
      },
      resume: () => {
        assert.equal(this.producer.paused, true);
        this.producer.paused = false;
      },
      cancel: (reason) => {
        this.cancels.push(reason.code);
        this.end(reason);
      },
    });
    this.registered = registry.add(this.stream, this.caller, away);
  }

  get isFullByItself(): boolean {
    const { log } = this.stream;
    return log.bytes >= LOG.maxBytes || log.head - log.tail >= LOG.maxEntries;
  }

  append(size: number): void {
    if (this.producer.paused || this.stream.terminal) return;
    const text = `${this.texts.push("")}:${"x".repeat(size)}`;
    this.texts.splice(-1, 1, text);
    if (this.away === "finish" && !this.visit) this.mayBeLost = this.texts.length;
    const { log } = this.stream;
    this.stream.publish(undefined, text, true);
    const entry = { seq: log.head, event: undefined, data: text, raw: true, hasContent: false };
    assert(log.bytes < LOG.maxBytes + entryBytes(entry));
    assert(log.head - log.tail <= LOG.maxEntries);
    assert.equal(this.producer.paused, log.isFull && !this.stream.terminal);
  }

  end(error?: GatewayError): void {
    this.endedAt ??= this.#rig.clock.now;
    const status = error ? "cancelled" : "completed";
    const rest = { usage: { source: "unknown" as const }, timing: { totalMs: 0 }, lossy: false };
    this.stream.end({ status, lastSeq: this.texts.length, ...(error && { error }), ...rest });
  }

  cancel(reason: GatewayError): void {
    const before = this.cancels.length;
    const wasRunning = this.endedAt === undefined;
    this.stream.cancel(reason);
    assert.deepEqual(this.cancels.slice(before), wasRunning ? [reason.code] : []);
  }

  /** A new connection reads on behind `after`: all of it, or not at all. Returns why not. */
  resume(after: number, acknowledges: boolean, caller = this.caller, epoch = 1): string | undefined {
    const { registry, clock } = this.#rig;
    const refusal = this.#rig.refusal(this, caller, epoch, after);
    const earlier = this.visit;
    let registered: RegisteredStream;
    try {
      const found = registry.find(this.stream.info.id, caller, epoch, after);
      assert(!(found instanceof Promise));
      registered = found;
    } catch (error) {
      assert(error instanceof GatewayError);
      assert.deepEqual([error.code, error.details], ["resume_failed", { reason: refusal }]);
      return refusal;
    }
    assert.equal(refusal, undefined);
    assert.equal(registered, this.registered);
    const visit = new Visit(this, after, acknowledges);
    this.since = clock.now;
    this.isHandled = false;
    this.visit = visit;
    assert.equal(registry.attach(registered, visit), earlier ? "superseded" : this.previous);
    if (earlier) {
      assert.equal(earlier.detachedBecause, "superseded");
      // Its socket closes some time later, which is nobody's business.
      registry.detach(registered, earlier, "no_pong");
    }
    assert.equal(this.registered.attachment, visit);
    visit.reader.wake();
    return undefined;
  }

  /** The client has handled all of it, as it says. */
  handle(): void {
    if (this.endedAt !== undefined && !this.visit) this.isHandled = true;
    this.#rig.registry.handled(this.registered);
    this.#rig.sentLogsWereBounded();
  }

  /** The client's connection is gone. */
  leave(): void {
    const { visit, cancels } = this;
    if (!visit) return;
    const isRunning = this.endedAt === undefined;
    const before = cancels.length;
    this.visit = undefined;
    this.previous = "client_gone";
    this.since = this.#rig.clock.now;
    if (this.away === "finish" && isRunning) this.mayBeLost = this.texts.length;
    visit.reader.detach();
    this.#rig.registry.detach(this.registered, visit, "client_gone");
    assert.deepEqual(cancels.slice(before), this.away === "cancel" && isRunning ? ["client_gone"] : []);
  }

  /** What holds at any moment. */
  check(): void {
    const { log } = this.stream;
    if (this.visit) this.mayBeLost = Math.max(this.mayBeLost, this.visit.reader.handled);
    assert(log.tail <= this.mayBeLost);
    if (log.tail > this.#tail) this.producer.stuckSince = this.#rig.clock.now;
    this.#tail = log.tail;
    if (this.previous && !this.visit && this.away === "finish") assert(!this.producer.paused);
    this.visit?.check();
  }
}

/** One connection of the client. */
class Visit implements ReaderSink, Attachment {
  readonly reader: Reader;
  readonly window: Window | undefined;
  /** Whether the socket takes more. */
  writable = true;
  detachedBecause: Code | undefined;
  readonly #of: PlayedStream;
  #next: number;
  #ends = 0;

  constructor(of: PlayedStream, after: number, acknowledges: boolean) {
    this.#of = of;
    this.#next = after + 1;
    this.window = acknowledges ? new Window(WINDOW, after) : undefined;
    this.reader = of.stream.addReader(this, after, this.window);
  }

  push({ seq, data }: Entry): boolean {
    if (!this.writable) return false;
    assert.equal(seq, this.#next++);
    assert.equal(data, this.#of.texts[seq - 1]);
    assert.deepEqual([this.#ends, this.detachedBecause], [0, undefined]);
    if (seq === this.#of.applied + 1) this.#of.applied++;
    return true;
  }

  end({ lastSeq }: Terminal): void {
    assert.deepEqual([++this.#ends, this.#next, lastSeq], [1, lastSeq + 1, this.#of.texts.length]);
  }

  failed(): void {
    assert.fail("nothing here throws");
  }

  detached(why: Code): void {
    this.detachedBecause = why;
    this.reader.detach();
    if (this.#of.visit === this) this.#of.visit = undefined;
  }

  check(): void {
    const { log, terminal } = this.#of.stream;
    const { reader, window } = this;
    if (window && window.sent - window.acked > 1) {
      assert(window.unackedBytes <= WINDOW.maxBytes);
      assert(window.sent - window.acked <= WINDOW.maxEntries);
    }
    const next = log.at(reader.cursor + 1);
    // Whoever could take more has it already.
    if (next) assert(!this.writable || window?.admits(entryBytes(next)) === false);
    else assert.deepEqual([reader.cursor, this.#ends], [log.head, terminal ? 1 : 0]);
  }
}
