import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { ScribbledMemory } from "../../support/jest/scribbled-memory.ts";

/** What the log charges for an entry besides its text. */
const OVERHEAD = (() => {
  const log = new StreamLog({ maxBytes: 1, maxEntries: 1 });
  log.append(undefined, "", false);
  return log.bytes;
})();

type Step = { readonly append: string; readonly event?: string } | { readonly trimTo: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ append: fc.string({ maxLength: 40 }), event: fc.string({ maxLength: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ trimTo: fc.nat(400) }) },
);
const limits = fc.record({
  maxBytes: fc.integer({ min: 1, max: 40 * OVERHEAD }),
  maxEntries: fc.integer({ min: 1, max: 200 }),
});

/** One upstream's read: events, and what readers let go of meanwhile. */
const read = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ append: fc.integer({ min: 0, max: 3_000 }) }) },
    { weight: 1, arbitrary: fc.record({ trimTo: fc.nat(60) }) },
    { weight: 1, arbitrary: fc.record({ look: fc.nat(60) }) },
  ),
  { maxLength: 20 },
);

describe("a log with a memory", () => {
  test("has every entry that is not trimmed, and gives back every block", () => {
    const limits = fc.record({ maxBytes: fc.integer({ min: 1, max: 60_000 }), maxEntries: fc.constant(1_000) });
    fc.assert(
      fc.property(limits, fc.boolean(), fc.array(read, { maxLength: 6 }), (limits, isReading, reads) => {
        const memory = new ScribbledMemory(1_024);
        const log = new StreamLog(limits, new LogBudget(1_000_000_000, undefined, memory));
        const dataOf = (seq: number, bytes: number) => `${seq}:`.padEnd(bytes, String.fromCharCode(0x61 + (seq % 150)));
        const written: string[] = [];
        const look = (seq: number) =>
          expect(log.at(seq)?.data).toBe(seq > log.tail && seq <= log.head ? written[seq - 1] : undefined);
        for (const steps of reads) {
          memory.isReading = isReading;
          for (const step of steps) {
            if ("append" in step) {
              written.push(dataOf(written.length + 1, step.append));
              log.append(undefined, written.at(-1) ?? "", false);
            } else if ("trimTo" in step) log.trimTo(Math.min(step.trimTo, log.head));
            else look(step.look);
          }
          memory.endRead();
          for (let seq = 0; seq <= log.head + 1; seq++) look(seq);
          expect(memory.taken * memory.blockBytes).toBeLessThan(log.bytes + 2 * memory.blockBytes);
        }
        log.settle();
        for (let seq = 0; seq <= log.head + 1; seq++) look(seq);
        log.evict();
        expect(memory.taken).toBe(0);
      }),
    );
  });

  test("moves each large read out of the heap at its end", () => {
    const memory = new ScribbledMemory(1_024);
    const log = new StreamLog(
      { maxBytes: 1_000_000, maxEntries: 1_000 },
      new LogBudget(1_000_000_000, undefined, memory),
    );
    for (const blocks of [20, 40]) {
      memory.isReading = true;
      for (let count = 0; count < 20; count++) log.append(undefined, "x".repeat(1_024), false);
      expect(memory.taken).toBe(blocks - 20);
      memory.endRead();
      expect(memory.taken).toBe(blocks);
    }
  });

  test("takes no block for a short answer", () => {
    const memory = new ScribbledMemory(1_024);
    const log = new StreamLog(
      { maxBytes: 1_000_000, maxEntries: 1_000 },
      new LogBudget(1_000_000_000, undefined, memory),
    );
    for (let count = 0; count < 10; count++) log.append(undefined, "x".repeat(400), false);
    log.settle();
    expect([memory.taken, log.at(10)?.data.length]).toEqual([0, 400]);
  });

  test("goes on after it was evicted", () => {
    const memory = new ScribbledMemory(1_024);
    const log = new StreamLog(
      { maxBytes: 1_000_000, maxEntries: 1_000 },
      new LogBudget(1_000_000_000, undefined, memory),
    );
    log.append(undefined, "x".repeat(5_000), false);
    log.evict();
    log.append(undefined, "y".repeat(5_000), false);
    expect([log.at(1), log.at(2)?.data, memory.taken]).toEqual([undefined, "y".repeat(5_000), 5]);
  });
});

describe("a log", () => {
  test("behaves like an array that is trimmed at the start, for a tenth of its limits, when crowded", () => {
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 300 }), (limits, steps) => {
        const log = new StreamLog(limits);
        const written: { event: string | undefined; data: string }[] = [];
        let tail = 0;
        const kept = () => written.slice(tail);
        const bytes = () =>
          kept().reduce((sum, { event, data }) => sum + data.length + (event?.length ?? 0) + OVERHEAD, 0);
        const full = () => bytes() >= limits.maxBytes || kept().length >= limits.maxEntries;
        const hasRoom = () => bytes() <= limits.maxBytes * 0.9 && kept().length <= limits.maxEntries * 0.9;

        for (const step of steps) {
          if ("append" in step) {
            const entry = log.append(step.event, step.append, false);
            written.push({ event: step.event, data: step.append });
            expect(entry).toMatchObject({ seq: written.length, event: step.event, data: step.append });
          } else {
            log.trimTo(step.trimTo);
            const last = Math.min(step.trimTo, written.length);
            if (full()) while ((full() || !hasRoom()) && tail < last) tail++;
          }
          expect(log).toMatchObject({ head: written.length, tail, bytes: bytes(), isFull: full() });
        }
        for (let seq = 0; seq <= written.length + 1; seq++) {
          const expected = seq > tail ? written[seq - 1] : undefined;
          expect(log.at(seq)?.data).toBe(expected?.data);
          expect(log.at(seq)?.seq).toBe(expected && seq);
        }
      }),
    );
  });

  test("is full beyond a small share while all logs together are full", () => {
    const budget = new LogBudget(1_000_000);
    const log = new StreamLog({ maxBytes: 1_000_000, maxEntries: 1_000 }, budget);
    for (let count = 0; count < 7; count++) log.append(undefined, "x".repeat(1_000), false);
    budget.grow(1_000_000);
    expect(log.isFull).toBe(false);
    log.append(undefined, "x".repeat(1_000), false);
    expect(log.isFull).toBe(true);
    budget.shrink(1_000_000);
    expect(log.isFull).toBe(false);
  });

  test("drops what it may, and only that, once all logs together leave little room", () => {
    const budget = new LogBudget(1_000_000);
    const log = new StreamLog({ maxBytes: 1_000_000, maxEntries: 1_000 }, budget);
    for (let count = 0; count < 20; count++) log.append(undefined, "x".repeat(1_000), false);
    budget.grow(600_000);
    log.trimTo(15);
    expect([log.tail, log.isFull]).toEqual([0, false]);
    budget.grow(100_000);
    log.trimTo(15);
    expect([log.tail, log.isFull]).toEqual([15, false]);
    expect(budget.usedBytes).toBe(700_000 + log.bytes);
  });

  test("drops nothing while there is room", () => {
    const log = new StreamLog({ maxBytes: 10 * OVERHEAD, maxEntries: 10 });
    log.append("ping", "{}", false);
    log.trimTo(1);
    expect(log.at(1)).toMatchObject({ seq: 1, event: "ping", data: "{}", raw: false });
  });

  test("keeps a preface in the budget until it is evicted, unless it is too large", () => {
    const budget = new LogBudget(1_000);
    const log = new StreamLog({ maxBytes: 500, maxEntries: 10 }, budget);
    expect([log.prefix("x".repeat(501)), log.preface, budget.usedBytes]).toEqual([false, "", 0]);
    expect([log.prefix("x".repeat(400)), log.bytes, budget.usedBytes]).toEqual([true, 0, 400]);
    log.append(undefined, "{}", false);
    log.evict();
    expect([log.preface, budget.usedBytes]).toEqual(["", 0]);
    budget.grow(700);
    expect([log.prefix("x".repeat(400)), log.preface, budget.usedBytes]).toEqual([false, "", 700]);
  });
});
