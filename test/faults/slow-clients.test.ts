import { describe, expect, test } from "@jest/globals";
import { type FakeClient, PAUSED_MS, StreamFaceRig, upTo } from "../support/gateways/stream-face-rig.ts";

const handled = (client: FakeClient, id: string): number => client.seqs(id).at(-1) ?? 0;

describe("C1: a client that acknowledges late", () => {
  const limits = { face: { windowEvents: 10 }, log: { maxEntries: 40 } };

  test("gets one window; the rest waits in the log, then the upstream waits", () => {
    using rig = new StreamFaceRig(limits);
    const client = rig.connect();
    client.open("a");
    expect(rig.call.flood(1_000)).toBe(40);
    expect(client.seqs("a")).toEqual(upTo(10));
    client.ack("a", 5);
    expect([rig.call.paused, client.seqs("a").length]).toEqual([false, 15]);
    expect(rig.call.flood(1_000)).toBe(5);
  });

  test("delays no other stream on its socket", () => {
    using rig = new StreamFaceRig(limits);
    const client = rig.connect();
    client.open("slow");
    rig.call.flood(1_000);
    client.open("fast");
    for (let round = 1; round <= 50; round++) {
      rig.call.say("word");
      expect(handled(client, "fast")).toBe(round);
      client.ack("fast", round);
    }
    expect(client.seqs("slow")).toHaveLength(10);
  });

  test("is never given up while it progresses, however slowly", () => {
    using rig = new StreamFaceRig(limits);
    const client = rig.connect();
    client.open("a");
    rig.call.flood(1_000);
    // What an upstream had on the way when it was told to pause.
    rig.call.say(..."and some more".split(""));
    for (let seq = 1; seq <= 30; seq++) {
      rig.pass(PAUSED_MS - 1_000);
      client.ack("a", seq);
    }
    expect([rig.call.aborted, client.last("end")]).toEqual([false, undefined]);
  });
});

describe("C2: a client that acknowledges nothing", () => {
  test("fails its stream after pausedMs, not earlier; the log can still be read to the end", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 10 }, log: { maxEntries: 40 } });
    const client = rig.connect();
    const stream = client.open("a");
    rig.call.flood(1_000);
    rig.pass(PAUSED_MS - 1_000);
    expect(rig.call.aborted).toBe(false);
    rig.pass(1_000);
    expect(rig.call.aborted).toBe(true);
    expect(client.last("end")).toBeUndefined();

    const again = rig.connect();
    again.resume("a", stream, 0);
    for (let seq = 10; seq <= 40; seq += 10) again.ack("a", seq);
    expect(again.seqs("a")).toEqual(upTo(40));
    expect(again.last("end")).toMatchObject({
      status: "failed",
      lastSeq: 40,
      error: { code: "slow_consumer" },
      usage: { source: "estimated" },
    });
  });

  test("is not given up while its log has room, because the upstream is not paused", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 10 } });
    const client = rig.connect();
    client.open("a");
    rig.call.flood(100);
    rig.pass(10 * PAUSED_MS);
    expect(rig.call.aborted).toBe(false);
  });

  test("is told slow_consumer if it has not read a stream's end before its retention is over", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 10 }, registry: { retentionMs: 60_000 } });
    const client = rig.connect();
    const stream = client.open("a");
    rig.call.flood(100);
    rig.call.stop();
    rig.pass(60_000);
    expect(client.last("detached")).toMatchObject({ id: "a", code: "slow_consumer" });
    expect([rig.budget.usedBytes, client.closeCode]).toEqual([0, undefined]);
    client.resume("a", stream, 10);
    expect(client.last("error")).toMatchObject({ error: { details: { reason: "expired" } } });
  });

  test("that comes back to a long-paused stream has the full time again", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 10 }, log: { maxEntries: 40 } });
    const client = rig.connect();
    const stream = client.open("a");
    rig.call.flood(1_000);
    client.gone();
    rig.pass(3 * PAUSED_MS);
    const again = rig.connect();
    again.resume("a", stream, 0);
    rig.pass(PAUSED_MS - 1_000);
    expect(rig.call.aborted).toBe(false);
    again.ack("a", 10);
    expect(rig.call.paused).toBe(false);
  });
});

describe("what a socket has in flight", () => {
  const limits = { face: { inFlightBytes: 20_000, windowEvents: 100 } };

  test("stops its streams if the client reports nothing received, although it handled everything", () => {
    using rig = new StreamFaceRig(limits);
    const client = rig.connect();
    client.open("a");
    for (let round = 0; round < 10; round++) {
      rig.call.flood(20);
      client.say({ type: "ack", streams: { a: handled(client, "a") } });
    }
    const sent = client.seqs("a").length;
    expect(sent).toBeGreaterThan(50);
    expect(sent).toBeLessThan(100);
    client.received();
    expect(client.seqs("a").length).toBeGreaterThan(sent);
  });

  test("of 5 stalled streams among 32 does not stop the others while the client reports what it received", () => {
    using rig = new StreamFaceRig({ face: { inFlightBytes: 20_000, windowBytes: 10_000 } });
    const client = rig.connect();
    const ids = upTo(32).map((at) => `s${at}`);
    for (const id of ids) client.open(id);
    const stalled = new Set(ids.slice(0, 5));
    for (let round = 1; round <= 40; round++) {
      for (const call of rig.calls) call.say("x".repeat(300));
      const streams = Object.fromEntries(
        ids.filter((id) => !stalled.has(id)).map((id) => [id, handled(client, id)] as const),
      );
      client.received();
      client.say({ type: "ack", streams });
    }
    for (const id of ids) {
      if (stalled.has(id)) expect(handled(client, id)).toBeLessThan(40);
      else expect(handled(client, id)).toBe(40);
    }
  });

  test("never delays an answer or an end", () => {
    using rig = new StreamFaceRig(limits);
    const client = rig.connect();
    client.open("a");
    rig.call.flood(200);
    client.open("b");
    client.say({ type: "cancel", id: "b" });
    expect(client.last("end")).toMatchObject({ id: "b", status: "cancelled" });
  });
});

describe("a full socket", () => {
  test("keeps events in their logs, but not replies; then they come in turns, none lost", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    for (const id of ["a", "b"]) client.open(id);
    client.writable = false;
    for (const call of rig.calls) call.flood(100);
    client.open("c");
    expect([client.seqs("a"), client.seqs("b"), client.last("opened")?.id]).toEqual([[], [], "c"]);
    client.drained();
    expect([client.seqs("a"), client.seqs("b")]).toEqual([upTo(100), upTo(100)]);
    const order = client.frames.flatMap((frame) => (frame.type === "event" ? [frame.id] : []));
    // 4 KiB are less than 20 of these events: nobody has sent 60 before the other began.
    expect(order.slice(0, 60)).toContain("b");
  });

  test("is the only thing that pauses a stream without acknowledgements", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 2, inFlightBytes: 1_000 }, log: { maxEntries: 50 } });
    const client = rig.connect();
    client.open("a", { flow: "none" });
    expect(rig.call.flood(500)).toBe(500);
    client.writable = false;
    expect(rig.call.flood(500)).toBe(50);
    rig.pass(PAUSED_MS - 1_000);
    client.drained();
    expect([client.seqs("a"), rig.call.paused]).toEqual([upTo(550), false]);
  });
});

describe("a stream in batches", () => {
  test("loses, merges and reorders nothing, and shares frames among the events of one callback", async () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    client.open("a", { batch: true });
    rig.call.say("one", "two", "three");
    expect(client.seqs("a")).toEqual([]);
    await Promise.resolve();
    expect(client.frames.slice(1)).toMatchObject([
      { type: "events", id: "a", events: upTo(3).map((seq) => ({ seq, data: { choices: [{ index: 0 }] } })) },
    ]);
    rig.call.say("four");
    await Promise.resolve();
    expect(client.frames.at(-1)).toMatchObject({ type: "event", seq: 4 });
    rig.call.say("five");
    rig.call.stop();
    expect(client.frames.slice(-2)).toMatchObject([{ type: "events" }, { type: "end", lastSeq: 6 }]);
    expect(client.seqs("a")).toEqual(upTo(6));
  });

  test("puts at most 64 events or 64 KiB into a frame", () => {
    using rig = new StreamFaceRig({ face: { windowBytes: 1_000_000 } });
    const client = rig.connect();
    client.open("a", { batch: true });
    rig.call.flood(640, "x");
    rig.call.flood(20, "x".repeat(20_000));
    const sizes = client.frames.flatMap((frame) => (frame.type === "events" ? [frame.events.length] : []));
    expect(sizes).toEqual([...Array(10).fill(64), ...Array(5).fill(4)]);
  });

  test("has a window like any other", async () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 10 } });
    const client = rig.connect();
    client.open("a", { batch: true });
    rig.call.flood(30);
    await Promise.resolve();
    expect(client.seqs("a")).toEqual(upTo(10));
    client.ack("a", 10);
    await Promise.resolve();
    expect(client.seqs("a")).toEqual(upTo(20));
  });

  test("shares a full socket fairly with others", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    client.open("batched", { batch: true });
    client.open("single");
    client.writable = false;
    for (const call of rig.calls) call.flood(200, "x".repeat(1_000));
    client.drained();
    expect([client.seqs("batched"), client.seqs("single")]).toEqual([upTo(200), upTo(200)]);
    const half = client.frames.slice(
      0,
      client.frames.findIndex((frame) => frame.type === "event" && frame.seq === 100),
    );
    const batched = half.reduce((sum, frame) => sum + (frame.type === "events" ? frame.events.length : 0), 0);
    // Within one batch of its fair share.
    expect(Math.abs(batched - 100)).toBeLessThanOrEqual(64);
  });
});
