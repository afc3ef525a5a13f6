import { describe, expect, test } from "@jest/globals";
import { type FakePeer, PAUSED_MS, StreamFaceRig, upTo } from "../support/stream-face-rig.ts";

const handled = (peer: FakePeer, id: string): number => peer.seqs(id).at(-1) ?? 0;

describe("C1: a client that acknowledges late", () => {
  const limits = { face: { windowEvents: 10 }, log: { maxEntries: 40 } };

  test("gets one window; the rest waits in the log, then the upstream waits", () => {
    using rig = new StreamFaceRig(limits);
    const peer = rig.connect();
    peer.open("a");
    expect(rig.call.flood(1_000)).toBe(40);
    expect(peer.seqs("a")).toEqual(upTo(10));
    peer.ack("a", 5);
    expect([rig.call.paused, peer.seqs("a").length]).toEqual([false, 15]);
    expect(rig.call.flood(1_000)).toBe(5);
  });

  test("delays no other stream on its socket", () => {
    using rig = new StreamFaceRig(limits);
    const peer = rig.connect();
    peer.open("slow");
    rig.call.flood(1_000);
    peer.open("fast");
    for (let round = 1; round <= 50; round++) {
      rig.call.say("word");
      expect(handled(peer, "fast")).toBe(round);
      peer.ack("fast", round);
    }
    expect(peer.seqs("slow")).toHaveLength(10);
  });

  test("is never given up while it progresses, however slowly", () => {
    using rig = new StreamFaceRig(limits);
    const peer = rig.connect();
    peer.open("a");
    rig.call.flood(1_000);
    // What an upstream had on the way when it was told to pause.
    rig.call.say(..."and some more".split(""));
    for (let seq = 1; seq <= 30; seq++) {
      rig.pass(PAUSED_MS - 1_000);
      peer.ack("a", seq);
    }
    expect([rig.call.aborted, peer.last("end")]).toEqual([false, undefined]);
  });
});

describe("C2: a client that acknowledges nothing", () => {
  test("fails its stream after pausedMs, not earlier; the log can still be read to the end", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 10 }, log: { maxEntries: 40 } });
    const peer = rig.connect();
    const stream = peer.open("a");
    rig.call.flood(1_000);
    rig.pass(PAUSED_MS - 1_000);
    expect(rig.call.aborted).toBe(false);
    rig.pass(1_000);
    expect(rig.call.aborted).toBe(true);
    expect(peer.last("end")).toBeUndefined();

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
    const peer = rig.connect();
    peer.open("a");
    rig.call.flood(100);
    rig.pass(10 * PAUSED_MS);
    expect(rig.call.aborted).toBe(false);
  });

  test("is told slow_consumer if it has not read a stream's end before its retention is over", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 10 }, registry: { retentionMs: 60_000 } });
    const peer = rig.connect();
    const stream = peer.open("a");
    rig.call.flood(100);
    rig.call.stop();
    rig.pass(60_000);
    expect(peer.last("detached")).toMatchObject({ id: "a", code: "slow_consumer" });
    expect([rig.budget.usedBytes, peer.closeCode]).toEqual([0, undefined]);
    peer.resume("a", stream, 10);
    expect(peer.last("error")).toMatchObject({ error: { details: { reason: "expired" } } });
  });

  test("that comes back to a long-paused stream has the full time again", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 10 }, log: { maxEntries: 40 } });
    const peer = rig.connect();
    const stream = peer.open("a");
    rig.call.flood(1_000);
    peer.gone();
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
    const peer = rig.connect();
    peer.open("a");
    for (let round = 0; round < 10; round++) {
      rig.call.flood(20);
      peer.say({ type: "ack", streams: { a: handled(peer, "a") } });
    }
    const sent = peer.seqs("a").length;
    expect(sent).toBeGreaterThan(50);
    expect(sent).toBeLessThan(100);
    peer.received();
    expect(peer.seqs("a").length).toBeGreaterThan(sent);
  });

  test("of 5 stalled streams among 32 does not stop the others while the client reports what it received", () => {
    using rig = new StreamFaceRig({ face: { inFlightBytes: 20_000, windowBytes: 10_000 } });
    const peer = rig.connect();
    const ids = upTo(32).map((at) => `s${at}`);
    for (const id of ids) peer.open(id);
    const stalled = new Set(ids.slice(0, 5));
    for (let round = 1; round <= 40; round++) {
      for (const call of rig.calls) call.say("x".repeat(300));
      const streams = Object.fromEntries(
        ids.filter((id) => !stalled.has(id)).map((id) => [id, handled(peer, id)] as const),
      );
      peer.received();
      peer.say({ type: "ack", streams });
    }
    for (const id of ids) {
      if (stalled.has(id)) expect(handled(peer, id)).toBeLessThan(40);
      else expect(handled(peer, id)).toBe(40);
    }
  });

  test("never delays an answer or an end", () => {
    using rig = new StreamFaceRig(limits);
    const peer = rig.connect();
    peer.open("a");
    rig.call.flood(200);
    peer.open("b");
    peer.say({ type: "cancel", id: "b" });
    expect(peer.last("end")).toMatchObject({ id: "b", status: "cancelled" });
  });
});

describe("a full socket", () => {
  test("keeps events in their logs, but not replies; then they come in turns, none lost", () => {
    using rig = new StreamFaceRig();
    const peer = rig.connect();
    for (const id of ["a", "b"]) peer.open(id);
    peer.writable = false;
    for (const call of rig.calls) call.flood(100);
    peer.open("c");
    expect([peer.seqs("a"), peer.seqs("b"), peer.last("opened")?.id]).toEqual([[], [], "c"]);
    peer.drained();
    expect([peer.seqs("a"), peer.seqs("b")]).toEqual([upTo(100), upTo(100)]);
    const order = peer.frames.flatMap((frame) => (frame.type === "event" ? [frame.id] : []));
    // 4 KiB are less than 20 of these events: nobody has sent 60 before the other began.
    expect(order.slice(0, 60)).toContain("b");
  });

  test("is the only thing that pauses a stream without acknowledgements", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 2, inFlightBytes: 1_000 }, log: { maxEntries: 50 } });
    const peer = rig.connect();
    peer.open("a", { flow: "none" });
    expect(rig.call.flood(500)).toBe(500);
    peer.writable = false;
    expect(rig.call.flood(500)).toBe(50);
    rig.pass(PAUSED_MS - 1_000);
    peer.drained();
    expect([peer.seqs("a"), rig.call.paused]).toEqual([upTo(550), false]);
  });
});

describe("a stream in batches", () => {
  test("loses, merges and reorders nothing, and shares frames among the events of one callback", async () => {
    using rig = new StreamFaceRig();
    const peer = rig.connect();
    peer.open("a", { batch: true });
    rig.call.say("one", "two", "three");
    expect(peer.seqs("a")).toEqual([]);
    await Promise.resolve();
    expect(peer.frames.slice(1)).toMatchObject([
      { type: "events", id: "a", events: upTo(3).map((seq) => ({ seq, data: { choices: [{ index: 0 }] } })) },
    ]);
    rig.call.say("four");
    await Promise.resolve();
    expect(peer.frames.at(-1)).toMatchObject({ type: "event", seq: 4 });
    rig.call.say("five");
    rig.call.stop();
    expect(peer.frames.slice(-2)).toMatchObject([{ type: "events" }, { type: "end", lastSeq: 6 }]);
    expect(peer.seqs("a")).toEqual(upTo(6));
  });

  test("puts at most 64 events or 64 KiB into a frame", () => {
    using rig = new StreamFaceRig({ face: { windowBytes: 1_000_000 } });
    const peer = rig.connect();
    peer.open("a", { batch: true });
    rig.call.flood(640, "x");
    rig.call.flood(20, "x".repeat(20_000));
    const sizes = peer.frames.flatMap((frame) => (frame.type === "events" ? [frame.events.length] : []));
    expect(sizes).toEqual([...Array(10).fill(64), ...Array(5).fill(4)]);
  });

  test("has a window like any other", async () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 10 } });
    const peer = rig.connect();
    peer.open("a", { batch: true });
    rig.call.flood(30);
    await Promise.resolve();
    expect(peer.seqs("a")).toEqual(upTo(10));
    peer.ack("a", 10);
    await Promise.resolve();
    expect(peer.seqs("a")).toEqual(upTo(20));
  });

  test("shares a full socket fairly with others", () => {
    using rig = new StreamFaceRig();
    const peer = rig.connect();
    peer.open("batched", { batch: true });
    peer.open("single");
    peer.writable = false;
    for (const call of rig.calls) call.flood(200, "x".repeat(1_000));
    peer.drained();
    expect([peer.seqs("batched"), peer.seqs("single")]).toEqual([upTo(200), upTo(200)]);
    const half = peer.frames.slice(
      0,
      peer.frames.findIndex((frame) => frame.type === "event" && frame.seq === 100),
    );
    const batched = half.reduce((sum, frame) => sum + (frame.type === "events" ? frame.events.length : 0), 0);
    // Within one batch of its fair share.
    expect(Math.abs(batched - 100)).toBeLessThanOrEqual(64);
  });
});
