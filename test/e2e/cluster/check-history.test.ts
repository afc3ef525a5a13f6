import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { checkHistory, checkUnanswered, type Truth } from "../../support/cluster/check-history.ts";
import { checkLedger, type LedgerRow } from "../../support/cluster/check-ledger.ts";
import type { Visit } from "../../support/cluster/crowd.ts";
import type { Entry } from "../../support/cluster/history.ts";
import { SPOILS } from "../../support/cluster/spoil-history.ts";
import { dataOfFlood, type Flood } from "../../support/upstreams/flood-upstream.ts";

const FLOOD: Flood = { key: "k", events: 6, usage: { input: 7, output: 9 } };
const LAST = FLOOD.events + 2;

const event = (seq: number): Entry => ({
  at: seq * 10,
  what: "event",
  node: "0.1",
  seq,
  data: dataOfFlood(FLOOD, seq) ?? "",
  isLeft: false,
});
const end = (lastSeq: number, more: object = {}): Entry => ({
  ...{ at: 1_000, what: "end", status: "completed", lastSeq, code: undefined, retryable: undefined, source: "exact" },
  isLeft: false,
  ...more,
});
const START: readonly Entry[] = [
  { at: 1, what: "open", node: "0.1", after: 0 },
  { at: 2, what: "opened", stream: "s_1" },
];
const RESUMED: readonly Entry[] = [
  { at: 45, what: "closed", code: 1006, isLeft: false },
  { at: 46, what: "resume", node: "1.2", after: 4 },
  { at: 47, what: "resumed", after: 4 },
];
const events = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => event(from + index));
/** Read on once, to the end. */
const GOOD: readonly Entry[] = [
  ...START,
  ...events(1, 4),
  ...RESUMED,
  ...events(5, LAST),
  end(LAST),
  { at: 1_300, what: "closed", code: 1005, isLeft: false },
];
const TRUTH: Truth = { flood: FLOOD, record: { calls: 1, written: LAST }, ownerLostAt: undefined, withinMs: 8_000 };
const LOST = { status: "failed", code: "owner_lost", retryable: true, source: "unknown" };

const faultsOf = (history: readonly Entry[], truth: Partial<Truth> = {}) =>
  checkHistory(history, { ...TRUTH, ...truth }).faults;
/** The good history with the first entry for which this holds replaced. */
const changed = (is: (entry: Entry) => boolean, by: (entry: Entry) => readonly Entry[]) => {
  const at = GOOD.findIndex(is);
  return GOOD.toSpliced(at, 1, ...by(GOOD[at] as Entry));
};
const isSeq = (seq: number) => (entry: Entry) => entry.what === "event" && entry.seq === seq;
const isEnd = ({ what }: Entry) => what === "end";

describe("the checker of histories", () => {
  test("finds nothing in a stream that was read on elsewhere, wherever that was", () => {
    expect(checkHistory(GOOD, TRUTH)).toMatchObject({ stream: "s_1", status: "completed", lastSeq: LAST, resumes: 1 });
    void fc.assert(
      fc.property(fc.integer({ min: 0, max: LAST }), (cut) => {
        const history = [...START, ...events(1, cut), ...events(cut + 1, LAST), end(LAST)];
        expect(faultsOf(history)).toEqual([]);
      }),
    );
  });

  test("finds nothing in a stream that ended with its node, at whatever event", () => {
    void fc.assert(
      fc.property(fc.integer({ min: 0, max: LAST }), fc.integer({ min: 0, max: 8_000 }), (last, afterMs) => {
        const history = [...START, ...events(1, last), end(last, { ...LOST, at: 100 + afterMs })];
        expect(checkHistory(history, { ...TRUTH, ownerLostAt: 100 })).toMatchObject({
          faults: [],
          toldAfterMs: afterMs,
        });
      }),
    );
  });

  test("counts what a socket that was left still says", () => {
    const left = (node: string) => ({ ...event(5), node, isLeft: true }) as Entry;
    expect(checkHistory([...GOOD, left("0.1"), left("1.2"), left("1.2")], TRUTH)).toMatchObject({
      faults: [],
      leftEvents: 1,
      lateEvents: 2,
    });
  });

  test.each(Object.entries(SPOILS))("finds, wherever it is and whatever was read on, that %s", (_, spoil) => {
    void fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(LAST), (at, cut) => {
        const history = [...START, ...events(1, cut), ...RESUMED, ...events(cut + 1, LAST), end(LAST)];
        expect(faultsOf(history)).toEqual([]);
        expect(faultsOf(spoil(history, at))).not.toEqual([]);
      }),
    );
  });

  test("excuses an open without an answer by the loss of the node that was asked, and by nothing else", () => {
    const open: readonly Entry[] = [...START.slice(0, 1), { at: 3, what: "closed", code: 1006, isLeft: false }];
    const refused: Entry = { at: 2, what: "refused", code: "unknown_model", reason: undefined, isLeft: false };
    expect(checkUnanswered(open, (node) => node === "0.1")).toEqual([]);
    expect(checkUnanswered(open, () => false)).toEqual(["no answer from 0.1, which lives"]);
    expect(checkUnanswered([...open, refused], () => true)).toEqual(["refused unknown_model"]);
    expect(checkUnanswered([], () => true)).toEqual(["no node was asked"]);
    expect(checkUnanswered(GOOD, () => false)).toEqual([]);
  });

  test.each<[string, readonly Entry[], Partial<Truth>, RegExp]>([
    ["a hole", changed(isSeq(5), () => []), {}, /^hole: 6 after 4/],
    ["a double", changed(isSeq(5), (entry) => [entry, entry]), {}, /^double: 5 after 5/],
    ["a step back", changed(isSeq(5), (entry) => [event(3), entry]), {}, /^double: 3 after 4/],
    ["two terminals", changed(isEnd, (entry) => [entry, entry]), {}, /^2 terminals/],
    ["no terminal", changed(isEnd, () => []), {}, /^no terminal/],
    ["an event after the terminal", [...GOOD, event(LAST)], {}, /^event 8 after the terminal/],
    ["another event's text", changed(isSeq(5), () => [{ ...event(6), seq: 5 } as Entry]), {}, /^event 5 is not/],
    ["text that was never sent", GOOD, { record: { calls: 1, written: LAST - 1 } }, /^event 8 was never sent/],
    ["events without a call", GOOD, { record: undefined }, /without a call/],
    ["a second call", GOOD, { record: { calls: 2, written: LAST } }, /^2 calls/],
    ["a terminal that counts otherwise", changed(isEnd, () => [end(LAST - 1)]), {}, /^the terminal says 7, 8 came/],
    ["a short answer called completed", [...START, ...events(1, 4), end(4)], {}, /^completed with 4 of 8/],
    ["usage that is a guess", changed(isEnd, () => [end(LAST, { source: "estimated" })]), {}, /its usage estimated/],
    ["a loss of a node that lives", [...START, ...events(1, 4), end(4, LOST)], {}, /though its node lives/],
    ["a late terminal", [...START, end(0, { ...LOST, at: 9_001 })], { ownerLostAt: 1_000 }, /^told 8001 ms after/],
    [
      "a loss not to be tried again",
      [...START, end(0, { ...LOST, retryable: false })],
      { ownerLostAt: 9 },
      /retryable/,
    ],
    [
      "another failure",
      [...START, end(0, { ...LOST, code: "internal" })],
      { ownerLostAt: 9 },
      /^ended failed internal/,
    ],
    [
      "another terminal on a socket that was left",
      [...GOOD, end(4, { ...LOST, isLeft: true })],
      {},
      /^another terminal/,
    ],
    [
      "wrong text on a socket that was left",
      [...GOOD, { ...event(6), seq: 5, isLeft: true } as Entry],
      {},
      /^event 5 is not/,
    ],
    ["a second opening", [...START, ...GOOD.slice(1)], {}, /^opened twice/],
  ])("finds %s", (_, history, truth, fault) => {
    expect(faultsOf(history, truth).join("\n")).toMatch(new RegExp(fault, "m"));
  });
});

describe("the checker of the ledger", () => {
  const visit: Visit = {
    ...checkHistory(GOOD, TRUTH),
    ...{ key: "k", flood: FLOOD, owner: "0.1", endedAt: 1_000, record: TRUTH.record, history: GOOD },
  };
  const row: LedgerRow = { stream: "s_1", outcome: "completed", source: "exact", input: 7, output: 9 };
  const faultsOfRows = (rows: readonly LedgerRow[], lostAt = new Map<string, number>()) =>
    checkLedger([visit], rows, lostAt);

  test("finds nothing where a completed stream has one row with the upstream's figures", () => {
    expect(faultsOfRows([row, { ...row, stream: "s_2" }])).toEqual([]);
  });

  test.each<[string, readonly LedgerRow[]]>([
    ["a missing row", []],
    ["two rows", [row, row]],
    ["other figures", [{ ...row, output: 8 }]],
    ["a guess", [{ ...row, source: "estimated" }]],
    ["a row without an end", [{ ...row, outcome: "" }]],
  ])("finds %s", (_, rows) => {
    expect(faultsOfRows(rows)).toHaveLength(1);
  });

  test("asks nothing of rows that died with their node, and everything of those it had a second to write", () => {
    expect(faultsOfRows([], new Map([["0.1", 1_500]]))).toEqual([]);
    expect(faultsOfRows([], new Map([["0.1", 2_500]]))).toHaveLength(1);
  });
});
