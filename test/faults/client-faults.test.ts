import { describe, expect, test } from "@jest/globals";
import { type FakeClient, StreamFaceRig, upTo } from "../support/gateways/stream-face-rig.ts";

describe("C11: a repeated open", () => {
  const open = { idempotencyKey: "k" };

  test("on a new socket attaches to the first stream and replays it, without a second upstream call", () => {
    using rig = new StreamFaceRig();
    const first = rig.connect();
    const stream = first.open("a", open);
    rig.call.say("one", "two");
    first.gone();
    rig.call.say("three");
    const second = rig.connect();
    expect(second.open("b", open)).toBe(stream);
    expect(second.frames[0]).toMatchObject({ type: "opened", id: "b", stream, attached: true });
    expect(second.seqs("b")).toEqual([1, 2, 3]);
    rig.call.stop();
    expect(second.last("end")).toMatchObject({ id: "b", status: "completed", lastSeq: 4 });
    expect(rig.calls).toHaveLength(1);
  });

  test("on the same socket, under another id, moves the stream to it", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    const stream = client.open("a", open);
    rig.call.say("one");
    expect(client.open("b", open)).toBe(stream);
    expect(client.last("detached")).toMatchObject({ id: "a", code: "superseded" });
    rig.call.say("two");
    rig.call.stop();
    expect([client.seqs("a"), client.seqs("b")]).toEqual([[1], [1, 2, 3]]);
    expect(client.frames.filter(({ type }) => type === "end")).toMatchObject([{ id: "b" }]);
    expect(client.closeCode).toBeUndefined();
  });

  test("after the stream ended returns all of it", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    client.open("a", open);
    rig.call.say("one");
    rig.call.stop();
    client.open("b", open);
    expect([client.seqs("b"), client.last("end")]).toMatchObject([[1, 2], { id: "b", lastSeq: 2 }]);
    expect(rig.calls).toHaveLength(1);
  });

  test("after the log is gone is refused and not billed again", () => {
    using rig = new StreamFaceRig({ registry: { retentionMs: 1_000 } });
    const client = rig.connect();
    client.open("a", open);
    rig.call.stop();
    rig.pass(1_000);
    client.open("b", open);
    expect(client.last("error")).toMatchObject({
      id: "b",
      error: { code: "resume_failed", details: { reason: "expired" } },
    });
    expect(rig.calls).toHaveLength(1);
  });

  test("with another request is refused; from another caller it is another stream", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    const stream = client.open("a", open);
    client.open("b", { ...open, body: { messages: [], n: 2 } });
    expect(client.last("error")).toMatchObject({ id: "b", error: { code: "bad_request" } });
    const other = rig.connect("bob");
    expect(other.open("a", open)).not.toBe(stream);
    expect(rig.calls).toHaveLength(2);
  });

  test("with an id in use is a duplicate, whatever its key", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    client.open("a", open);
    client.say({ type: "open", id: "a", model: "gpt", body: { messages: [] }, ...open });
    expect(client.last("error")).toMatchObject({ id: "a", error: { code: "duplicate_id" } });
  });
});

describe("C12: a cancel", () => {
  const ends = (client: FakeClient) => client.frames.filter(({ type }) => type === "end");

  test("sent right after its open ends the stream before its first event", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    client.open("a");
    client.say({ type: "cancel", id: "a" });
    expect(ends(client)).toMatchObject([{ id: "a", status: "cancelled", lastSeq: 0, error: { code: "cancelled" } }]);
    expect(rig.call.aborted).toBe(true);
    rig.call.say("late");
    expect(client.seqs("a")).toEqual([]);
  });

  test("that crosses the end has no effect", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    const stream = client.open("a");
    rig.call.stop();
    const before = client.frames.length;
    client.say({ type: "cancel", id: "a" });
    client.say({ type: "cancel", stream });
    expect(client.frames).toHaveLength(before);
    expect([ends(client).length, rig.call.aborted]).toEqual([1, false]);
  });

  test("sent twice, or for an unknown stream, succeeds and does nothing", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    client.open("a");
    for (const frame of [{ id: "a" }, { id: "a" }, { id: "never" }, { stream: "s_never" }]) {
      client.say({ type: "cancel", ...frame });
    }
    expect(ends(client)).toHaveLength(1);
    expect(client.last("error")).toBeUndefined();
  });

  test("by the gateway's name ends a stream read by another socket, and one without a reader", () => {
    using rig = new StreamFaceRig();
    const reader = rig.connect();
    const read = reader.open("a");
    const other = rig.connect();
    other.say({ type: "cancel", stream: read });
    expect(ends(reader)).toMatchObject([{ status: "cancelled" }]);

    const parked = reader.open("b");
    reader.gone();
    other.say({ type: "cancel", stream: parked });
    expect(rig.call.aborted).toBe(true);
    other.resume("b", parked, 0);
    expect(ends(other)).toMatchObject([{ id: "b", status: "cancelled", error: { code: "cancelled" } }]);
  });

  test("of another caller's stream does nothing and reveals nothing", () => {
    using rig = new StreamFaceRig();
    const stream = rig.connect("alice").open("a");
    const bob = rig.connect("bob");
    bob.say({ type: "cancel", stream });
    expect([rig.call.aborted, bob.frames]).toEqual([false, []]);
  });

  test("of a stream with a full window ends the upstream at once, and the stream once its client has read the log", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 2 } });
    const client = rig.connect();
    client.open("a");
    rig.call.say("one", "two", "three");
    client.say({ type: "cancel", id: "a" });
    expect([rig.call.aborted, ends(client)]).toEqual([true, []]);
    client.ack("a", 2);
    expect([client.seqs("a"), ends(client)]).toMatchObject([[1, 2, 3], [{ lastSeq: 3 }]]);
  });
});

describe("C14: an acknowledgement", () => {
  test("of more events than were sent is a bad frame, with no other effect", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 2 } });
    const client = rig.connect();
    client.open("a");
    rig.call.say("one", "two", "three");
    client.ack("a", 3);
    expect(client.last("error")).toMatchObject({ error: { code: "bad_frame", details: { sent: 2 } } });
    expect([client.violations, client.seqs("a")]).toEqual([["bad_frame"], [1, 2]]);
    client.ack("a", 1);
    expect(client.seqs("a")).toEqual([1, 2, 3]);
  });

  test("of more messages than were sent is a bad frame, with or without a stream that counts them", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    client.say({ type: "ack", received: 2 });
    client.open("a");
    client.say({ type: "ack", received: 50 });
    expect(client.violations).toEqual(["bad_frame", "bad_frame"]);
  });

  test("that is backwards, repeated, or for an ended or unknown stream is ignored", () => {
    using rig = new StreamFaceRig({ face: { windowEvents: 2 } });
    const client = rig.connect();
    client.open("a");
    rig.call.say("one", "two", "three", "four");
    client.ack("a", 2);
    client.ack("a", 1);
    client.ack("a", 2);
    client.say({ type: "ack", received: 0, streams: { never: 7 } });
    rig.call.stop();
    client.ack("a", 4);
    client.ack("a", 99);
    expect([client.violations, client.seqs("a"), client.last("end")?.lastSeq]).toEqual([[], [1, 2, 3, 4, 5], 5]);
  });

  test("that is wrong for one stream still counts as received, so that no stream stalls", () => {
    using rig = new StreamFaceRig({ face: { inFlightBytes: 2_000 } });
    const client = rig.connect();
    client.open("a");
    expect(rig.call.flood(20)).toBe(20);
    const before = client.seqs("a").length;
    expect(before).toBeLessThan(20);
    client.ack("a", 99);
    expect(client.violations).toEqual(["bad_frame"]);
    expect(client.seqs("a").length).toBeGreaterThan(before);
  });
});

describe("C15: another caller's stream", () => {
  test("cannot be resumed, and the answer equals that of an unknown stream", () => {
    using rig = new StreamFaceRig();
    const alice = rig.connect("alice");
    const stream = alice.open("a");
    rig.call.say("secret");
    const bob = rig.connect("bob");
    bob.resume("x", stream, 0);
    const foreign = bob.last("error");
    bob.resume("x", "s_never", 0);
    expect(foreign).toEqual(bob.last("error"));
    expect(foreign).toMatchObject({ error: { code: "resume_failed", details: { reason: "unknown" } } });
    rig.call.say("more");
    expect([bob.seqs("x"), alice.seqs("a")]).toEqual([[], [1, 2]]);
  });

  test("stays unknown after its end, for any guessed epoch and position, and after its log is gone", () => {
    using rig = new StreamFaceRig({ registry: { retentionMs: 1_000 } });
    const stream = rig.connect("alice").open("a");
    const bob = rig.connect("bob");
    const reasonFor = (epoch: number, after: number) => {
      bob.say({ type: "resume", id: "x", stream, epoch, after });
      return bob.last("error")?.error.details?.reason;
    };
    rig.call.stop();
    expect([reasonFor(1, 0), reasonFor(7, 0), reasonFor(1, 999)]).toEqual(["unknown", "unknown", "unknown"]);
    rig.pass(2_000);
    expect(reasonFor(1, 0)).toBe("unknown");
  });
});

describe("C16: two sockets that resume one stream", () => {
  test("the newest reads; the older one is told, and closed if it has no other stream", () => {
    using rig = new StreamFaceRig();
    const older = rig.connect();
    const stream = older.open("a");
    rig.call.say("one", "two");
    const newer = rig.connect();
    newer.resume("z", stream, 1);
    expect(older.last("detached")).toMatchObject({ id: "a", code: "superseded" });
    expect(older.closeCode).toBe(4090);
    expect(newer.last("resumed")).toMatchObject({ id: "z", stream, epoch: 1, after: 1, previous: "superseded" });
    rig.call.say("three");
    // The older socket closes some time later: the stream is not its any more.
    older.gone();
    rig.call.stop();
    expect([older.seqs("a"), newer.seqs("z")]).toEqual([
      [1, 2],
      [2, 3, 4],
    ]);
    expect([older.last("end"), newer.last("end")?.lastSeq]).toEqual([undefined, 4]);
    rig.pass(200_000);
    expect(rig.call.aborted).toBe(false);
  });

  test("an older socket with other streams stays open", () => {
    using rig = new StreamFaceRig();
    const older = rig.connect();
    const stream = older.open("a");
    older.open("b");
    rig.connect().resume("z", stream, 0);
    expect([older.last("detached")?.id, older.closeCode]).toEqual(["a", undefined]);
    rig.call.say("one");
    expect(older.seqs("b")).toEqual([1]);
  });

  test("passing it back and forth, each gets what it asks for, and the last one gets the end", () => {
    using rig = new StreamFaceRig();
    let client = rig.connect();
    const stream = client.open("a");
    for (let round = 1; round <= 10; round++) {
      rig.call.say(`event ${round}`);
      client = rig.connect();
      client.resume("a", stream, 0);
      expect(client.seqs("a")).toEqual(upTo(round));
    }
    rig.call.stop();
    expect(client.last("end")).toMatchObject({ lastSeq: 11 });
  });

  test("a reader that takes over after the older one's acknowledgements misses nothing", () => {
    using rig = new StreamFaceRig({ log: { maxEntries: 4 } });
    const older = rig.connect();
    const stream = older.open("a");
    rig.call.say("one", "two", "three");
    older.ack("a", 3);
    const newer = rig.connect();
    newer.resume("a", stream, 0);
    rig.call.say("four", "five");
    expect(newer.seqs("a")).toEqual(upTo(5));
  });
});
