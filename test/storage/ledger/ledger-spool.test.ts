import { describe, expect, jest, test } from "@jest/globals";
import type { LedgerNews } from "../../../src/core/ledger/ledger.ts";
import type { LedgerWrite } from "../../../src/storage/ledger/ledger-rows.ts";
import { LedgerSpool, type LedgerWriter, type SpoolOptions } from "../../../src/storage/ledger/ledger-spool.ts";
import { closing, opening } from "../../support/stores/ledger-rows.ts";

/** A store whose commits a test resolves. */
class HandWriter implements LedgerWriter {
  readonly batches: string[][] = [];
  #reply: PromiseWithResolvers<number> = Promise.withResolvers();

  write(rows: readonly LedgerWrite[]): Promise<number> {
    this.batches.push(rows.map(({ kind, values }) => `${kind} ${values.stream}`));
    this.#reply = Promise.withResolvers();
    return this.#reply.promise;
  }

  commit = (refused = 0) => this.#reply.resolve(refused);
  fail = (reason = "disk I/O error") => this.#reply.reject(new Error(reason));
}

function rig(more: Partial<SpoolOptions> = {}) {
  jest.useFakeTimers();
  const writer = new HandWriter();
  const news: LedgerNews[] = [];
  const spool = new LedgerSpool({
    writer,
    strict: false,
    spoolRows: 100,
    openWaitMs: 2_000,
    now: () => performance.now(),
    news: (one) => news.push(one),
    ...more,
  });
  return {
    writer,
    news,
    spool,
    settled: () => jest.advanceTimersByTimeAsync(0),
    later: (ms: number) => jest.advanceTimersByTimeAsync(ms),
  };
}

const UNAVAILABLE = expect.objectContaining({ code: "ledger_unavailable", retryable: true });

describe("alongside", () => {
  test("an open waits for no commit", async () => {
    const { spool, writer, settled } = rig();
    expect(spool.open(opening("a"), false)).toBeUndefined();
    expect(spool.open(opening("b"), true)).toBeUndefined();
    await settled();
    expect(writer.batches).toEqual([["open a", "open b"]]);
  });

  test("rows that arrive while a batch is in flight form the next batch, in order", async () => {
    const { spool, writer, settled, later } = rig();
    void spool.open(opening("a"), false);
    await settled();
    spool.close(closing("a"));
    void spool.open(opening("b"), false);
    spool.close(closing("b"));
    await later(20);
    expect(writer.batches).toEqual([["open a"]]);
    writer.commit();
    await settled();
    expect(writer.batches.slice(1)).toEqual([["close a", "open b", "close b"]]);
    expect(spool.rows).toBe(3);
    writer.commit();
    await settled();
    expect(spool.rows).toBe(0);
  });

  test("a row after a pause is sent at once; soon after a batch, rows gather for twenty milliseconds", async () => {
    const { spool, writer, settled, later } = rig();
    void spool.open(opening("a"), false);
    await settled();
    writer.commit();
    await later(5);
    spool.close(closing("a"));
    await later(14);
    void spool.open(opening("b"), false);
    expect(writer.batches).toEqual([["open a"]]);
    await later(1);
    expect(writer.batches.slice(1)).toEqual([["close a", "open b"]]);
    writer.commit();
    await later(20);
    spool.close(closing("b"));
    await settled();
    expect(writer.batches.slice(2)).toEqual([["close b"]]);
  });

  test("rows are sent in batches of 256", async () => {
    const { spool, writer, settled, later } = rig({ spoolRows: 1_000 });
    for (let index = 0; index < 600; index++) void spool.open(opening(String(index)), false);
    for (const size of [256, 256]) {
      await settled();
      expect(writer.batches.at(-1)).toHaveLength(size);
      writer.commit();
    }
    await later(20);
    expect(writer.batches.at(-1)).toHaveLength(88);
  });

  test("an open under caps waits for its commit while commits are slow, two seconds at most", async () => {
    const { spool, writer, settled, later } = rig();
    void spool.open(opening("a"), false);
    await later(300);
    expect(spool.open(opening("b"), false)).toBeUndefined();
    const late = spool.open(opening("c"), true);
    const refused = expect(late).rejects.toEqual(UNAVAILABLE);
    await later(1_999);
    const intime = spool.open(opening("d"), false);
    expect(intime).toBeUndefined();
    await later(1);
    await refused;
    writer.commit();
    await settled();
    // The refused stream's row is still written: its closing follows.
    expect(writer.batches[1]).toEqual(["open b", "open c", "open d"]);
  });

  test("a store that does not respond for two seconds is unavailable until it does", async () => {
    const { spool, writer, news, settled, later } = rig();
    void spool.open(opening("a"), false);
    await later(1_999);
    expect(spool.available).toBe(true);
    await later(1);
    expect(spool.available).toBe(false);
    expect(() => spool.open(opening("b"), true)).toThrow(UNAVAILABLE);
    expect(spool.open(opening("c"), false)).toBeUndefined();
    writer.commit();
    await settled();
    expect(spool.available).toBe(true);
    expect(news).toEqual([
      { kind: "unavailable", reason: "it does not respond", rows: 1 },
      { kind: "available", rows: 1 },
    ]);
  });
});

describe("a store that fails", () => {
  test("is reported once, retried with growing pauses, and given every row in order once it works again", async () => {
    const { spool, writer, news, settled, later } = rig();
    void spool.open(opening("a"), false);
    await settled();
    writer.fail("database or disk is full");
    await settled();
    expect(spool.available).toBe(false);
    spool.close(closing("a"));
    void spool.open(opening("b"), false);
    for (const pauseMs of [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
      const before = writer.batches.length;
      await later(pauseMs - 1);
      expect(writer.batches).toHaveLength(before);
      await later(1);
      expect(writer.batches.at(-1)).toEqual(["open a", "close a", "open b"]);
      writer.fail();
      await settled();
    }
    await later(5_000);
    writer.commit();
    await settled();
    expect([spool.available, spool.rows]).toEqual([true, 0]);
    expect(news).toEqual([
      { kind: "unavailable", reason: "database or disk is full", rows: 1 },
      { kind: "available", rows: 0 },
    ]);
  });

  test("refuses opens that must be recorded, and allows the others", async () => {
    const { spool, writer, settled } = rig();
    void spool.open(opening("a"), false);
    await settled();
    writer.fail();
    await settled();
    expect(() => spool.open(opening("b"), true)).toThrow(UNAVAILABLE);
    expect(spool.open(opening("c"), false)).toBeUndefined();
    expect(spool.rows).toBe(2);
  });

  test("queues a limited number of rows: beyond it opens are refused, closings never", async () => {
    const { spool, writer, settled, later } = rig({ spoolRows: 3 });
    for (const stream of ["a", "b", "c"]) void spool.open(opening(stream), false);
    expect(() => spool.open(opening("d"), false)).toThrow(UNAVAILABLE);
    await settled();
    writer.fail();
    await settled();
    for (const stream of ["a", "b", "c"]) spool.close(closing(stream));
    expect(spool.rows).toBe(6);
    await later(100);
    expect(writer.batches[1]).toEqual(["open a", "open b", "open c", "close a", "close b", "close c"]);
    writer.commit();
    await settled();
    expect(spool.open(opening("d"), false)).toBeUndefined();
  });

  test("that refuses rows for their content: the operator learns how many", async () => {
    const { spool, writer, news, settled } = rig();
    void spool.open(opening("a"), false);
    await settled();
    writer.commit(1);
    await settled();
    expect(news).toEqual([{ kind: "dropped", rows: 1 }]);
    expect(spool.available).toBe(true);
  });
});

describe("strict", () => {
  test("every open waits for its own commit only", async () => {
    const { spool, writer, settled } = rig({ strict: true });
    const seen: string[] = [];
    for (const stream of ["a", "b"]) void spool.open(opening(stream), false)?.then(() => seen.push(stream));
    await settled();
    void spool.open(opening("c"), false)?.then(() => seen.push("c"));
    expect(seen).toEqual([]);
    writer.commit();
    await settled();
    expect(seen).toEqual(["a", "b"]);
    writer.commit();
    await settled();
    expect(seen).toEqual(["a", "b", "c"]);
  });

  test("an open does not wait for other rows to gather", async () => {
    const { spool, writer, settled } = rig({ strict: true });
    const first = spool.open(opening("a"), false);
    await settled();
    writer.commit();
    await first;
    spool.close(closing("a"));
    void spool.open(opening("b"), false);
    await settled();
    expect(writer.batches).toEqual([["open a"], ["close a", "open b"]]);
    writer.commit();
  });

  test("an open whose commit takes two seconds fails; later ones are refused at once", async () => {
    const { spool, later } = rig({ strict: true });
    const refused = expect(spool.open(opening("a"), false)).rejects.toEqual(UNAVAILABLE);
    await later(2_000);
    await refused;
    expect(() => spool.open(opening("b"), false)).toThrow(UNAVAILABLE);
  });
});

describe("stopping", () => {
  test("commits the waiting rows first", async () => {
    const { spool, writer, settled } = rig();
    void spool.open(opening("a"), false);
    const stopped = spool.stop(5_000);
    await settled();
    writer.commit();
    expect(await stopped).toBe(0);
    expect(() => spool.open(opening("b"), false)).toThrow(UNAVAILABLE);
    spool.close(closing("a"));
    expect(spool.rows).toBe(0);
  });

  test("tries again at once after a long outage, and again and again", async () => {
    const { spool, writer, settled, later } = rig();
    void spool.open(opening("a"), false);
    for (let attempt = 0; attempt < 10; attempt++) {
      await later(5_000);
      writer.fail();
    }
    await settled();
    const tried = writer.batches.length;
    const stopped = spool.stop(5_000);
    await settled();
    expect(writer.batches).toHaveLength(tried + 1);
    writer.fail();
    await later(100);
    expect(writer.batches).toHaveLength(tried + 2);
    writer.commit();
    expect(await stopped).toBe(0);
  });

  test("gives up after its time, however many rows wait", async () => {
    const { spool, writer, settled, later } = rig();
    void spool.open(opening("a"), false);
    await settled();
    writer.fail();
    const stopped = spool.stop(5_000);
    await later(5_000);
    expect(await stopped).toBe(1);
    const tried = writer.batches.length;
    await later(60_000);
    expect(writer.batches).toHaveLength(tried);
  });
});
