import assert from "node:assert/strict";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { CANCEL_AT, EVICT_AT, LogBudget, REFUSE_AT, SENT_SHARE } from "../../../src/core/stream/log-budget.ts";
import type { AwayPolicy } from "../../../src/core/stream/registered-stream.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { PlayedStream } from "../upstreams/played-stream.ts";

export const LIMITS = {
  graceMs: 120_000,
  retentionMs: 300_000,
  handledRetentionMs: 15_000,
  pausedMs: 30_000,
  rememberedIds: 3,
};
const BUDGET_BYTES = 120_000;

/** A registry with a clock that is moved by hand, and its streams, each held against a reference. */
export class RegistryRig {
  readonly clock = { now: 1_000 };
  readonly budget = new LogBudget(BUDGET_BYTES, () => this.#relieved());
  readonly registry = new StreamRegistry(LIMITS, this.budget, () => this.clock.now);
  readonly streams: PlayedStream[] = [];
  readonly #removed: PlayedStream[] = [];

  open(away: AwayPolicy): PlayedStream | undefined {
    const kept = this.streams.filter(({ visit, stream }) => !visit && stream.terminal);
    const ofKept = kept.reduce((sum, { stream }) => sum + stream.log.bytes, 0);
    const isFull = this.budget.usedBytes - ofKept >= BUDGET_BYTES * REFUSE_AT;
    try {
      this.registry.admit();
    } catch (error) {
      assert(isFull && error instanceof GatewayError && error.code === "overloaded");
    }
    for (const subject of kept) if (subject.stream.log.bytes === 0) subject.mayBeLost = subject.texts.length;
    assert.equal(this.budget.isOver(REFUSE_AT), isFull);
    if (isFull) return undefined;
    const stream = new PlayedStream(this, `s_${this.streams.length}`, away);
    this.streams.push(stream);
    return stream;
  }

  /** Time passes, then the registry is swept: what must end ends, and nothing else. */
  tick(ms: number): void {
    this.clock.now += ms;
    const { now } = this.clock;
    const checks = this.streams.map((stream) => this.#expectations(stream, now));
    this.registry.sweep(now);
    for (const check of checks) check();
    // What the first sweep gave back may let others go on in the next.
    this.registry.sweep(now);
    for (const { stream, producer } of this.streams) {
      assert.equal(producer.paused, stream.log.isFull && !stream.terminal);
    }
  }

  /** The reason a resume must fail with, undefined when it must succeed. */
  refusal(stream: PlayedStream, caller: string, epoch: number, after: number): string | undefined {
    if (caller !== stream.caller) return "unknown";
    if (this.#removed.includes(stream)) {
      return this.#removed.indexOf(stream) >= this.#removed.length - LIMITS.rememberedIds ? "expired" : "unknown";
    }
    if (epoch !== 1) return "epoch";
    if (after > stream.texts.length) return "ahead";
    return after < stream.stream.log.tail ? "evicted" : undefined;
  }

  /** What holds at any moment. */
  check(): void {
    assert.equal(
      this.budget.usedBytes,
      this.streams.reduce((sum, { stream }) => sum + stream.log.bytes, 0),
    );
    for (const stream of this.streams) stream.check();
  }

  /** Logs that were sent to their end take no more than their share, or are one. */
  sentLogsWereBounded(): void {
    const sent = this.streams.filter(({ visit, isHandled }) => !visit && isHandled);
    const sizes = sent.map(({ stream }) => stream.log.bytes);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    assert(bytes <= Math.max(BUDGET_BYTES * SENT_SHARE, ...sizes));
    for (const subject of sent) if (subject.stream.log.bytes === 0) subject.mayBeLost = subject.texts.length;
  }

  #expectations(subject: PlayedStream, now: number): () => void {
    const { stream, visit, since, endedAt, cancels, producer } = subject;
    if (this.#removed.includes(subject)) return () => {};
    if (endedAt !== undefined) {
      const keptMs = subject.isHandled ? LIMITS.handledRetentionMs : LIMITS.retentionMs;
      const isOver = now - Math.max(endedAt, since) >= keptMs;
      if (isOver) {
        this.#removed.push(subject);
        subject.mayBeLost = subject.texts.length;
      }
      return () => {
        assert.equal(this.registry.owned(stream.info.id, subject.caller) === undefined, isOver);
        if (isOver) assert.deepEqual([subject.visit, stream.log.bytes], [undefined, 0]);
        if (isOver && visit) assert.equal(visit.detachedBecause, "slow_consumer");
        assert.equal(subject.cancels.length, cancels.length);
      };
    }
    const before = cancels.length;
    if (!visit) {
      const isOver = subject.away !== "finish" && now - since >= LIMITS.graceMs;
      return () => assert.deepEqual(cancels.slice(before), isOver ? ["client_gone"] : []);
    }
    const isStuck = producer.paused && now - Math.max(producer.stuckSince, since) >= LIMITS.pausedMs;
    // Room that others made, or that their need of it makes, may free a stream in the very sweep.
    const mayGoOn = !subject.isFullByItself || visit.reader.handled > stream.log.tail;
    return () => {
      if (!isStuck) assert.deepEqual(cancels.slice(before), []);
      else if (!mayGoOn) assert.deepEqual(cancels.slice(before), ["slow_consumer"]);
    };
  }

  #relieved(): void {
    const unread = this.streams.filter(({ visit }) => !visit);
    const parked = unread.filter(({ stream }) => !stream.terminal && stream.log.bytes > 0);
    const largest = Math.max(0, ...parked.map(({ stream }) => stream.log.bytes));
    const sizes = new Map(parked.map((subject) => [subject, subject.stream.log.bytes]));
    this.registry.relieve();
    for (const subject of unread) if (subject.stream.log.bytes === 0) subject.mayBeLost = subject.texts.length;
    const cancelled = parked.filter(({ stream }) => stream.terminal);
    for (const subject of cancelled) {
      assert.deepEqual([sizes.get(subject), subject.cancels.at(-1)], [largest, "overloaded"]);
    }
    assert(cancelled.length <= 1);
    if (this.budget.isOver(CANCEL_AT)) assert.equal(cancelled.length, Math.min(1, parked.length));
    if (!this.budget.isOver(EVICT_AT)) return;
    for (const { stream } of unread) if (stream.terminal) assert.equal(stream.log.bytes, 0);
  }
}

export const cancelled = () => new GatewayError("cancelled");
