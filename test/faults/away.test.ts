import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import { type FakeClient, GRACE_MS, RETENTION_MS, StreamFaceRig, upTo } from "../support/gateways/stream-face-rig.ts";

const refusal = (client: FakeClient) => client.last("error")?.error.details?.reason;

/** A stream whose client has gone after two events. */
function leave(rig: StreamFaceRig, away?: string): string {
  const client = rig.connect();
  const stream = client.open("a", away === undefined ? {} : { away });
  rig.call.say("one", "two");
  client.ack("a", 2);
  client.gone();
  return stream;
}

describe("while its client is away, a stream", () => {
  test("continues into its log up to the limit, then pauses the upstream; everything is there on return", () => {
    using rig = new StreamFaceRig({ log: { maxEntries: 50 } });
    const stream = leave(rig);
    // The two that were handled make room.
    expect(rig.call.flood(1_000)).toBe(50);
    const client = rig.connect();
    client.resume("a", stream, 2);
    expect([client.seqs("a"), rig.call.paused]).toEqual([upTo(52, 3), true]);
    client.ack("a", 52);
    expect(rig.call.paused).toBe(false);
  });

  test("is cancelled at the end of the grace time, not earlier", () => {
    using rig = new StreamFaceRig();
    const stream = leave(rig);
    rig.pass(GRACE_MS - 1_000);
    expect(rig.call.aborted).toBe(false);
    rig.pass(1_000);
    expect(rig.call.aborted).toBe(true);
    const client = rig.connect();
    client.resume("a", stream, 2);
    expect(client.last("end")).toMatchObject({ status: "cancelled", lastSeq: 2, error: { code: "client_gone" } });
  });

  test("restarts its grace time at every departure", () => {
    using rig = new StreamFaceRig();
    const stream = leave(rig);
    rig.pass(GRACE_MS - 1_000);
    const client = rig.connect();
    client.resume("a", stream, 2);
    rig.pass(10 * GRACE_MS);
    client.gone();
    rig.pass(GRACE_MS - 1_000);
    expect(rig.call.aborted).toBe(false);
    rig.pass(1_000);
    expect(rig.call.aborted).toBe(true);
  });

  test("opened with finish is read to its end, however long it takes; the newest part and the end are kept", () => {
    using rig = new StreamFaceRig({ log: { maxEntries: 50 } });
    const stream = leave(rig, "finish");
    rig.pass(3 * GRACE_MS);
    expect(rig.call.flood(1_000)).toBe(1_000);
    rig.call.stop();
    expect(rig.call.aborted).toBe(false);
    const client = rig.connect();
    client.resume("a", stream, 2);
    expect(refusal(client)).toBe("evicted");
    client.resume("a", stream, 983);
    expect(client.seqs("a")).toEqual(upTo(1_003, 984));
    expect(client.last("end")).toMatchObject({ status: "completed", lastSeq: 1_003 });
  });

  test("opened with finish keeps everything again once it has a reader", () => {
    using rig = new StreamFaceRig({ log: { maxEntries: 50 }, face: { windowEvents: 10 } });
    const stream = leave(rig, "finish");
    rig.call.flood(40);
    rig.connect().resume("a", stream, 2);
    // Ten more, and the one that would have been given up is waited for.
    expect(rig.call.flood(1_000)).toBe(10);
  });

  test("opened with cancel ends at once", () => {
    using rig = new StreamFaceRig();
    const stream = leave(rig, "cancel");
    expect(rig.call.aborted).toBe(true);
    const client = rig.connect();
    client.resume("a", stream, 0);
    expect(client.seqs("a")).toEqual([1, 2]);
    expect(client.last("end")).toMatchObject({
      status: "cancelled",
      error: { code: "client_gone" },
      usage: { source: "estimated" },
    });
  });

  test("opened with cancel is not ended by a newer reader taking over", () => {
    using rig = new StreamFaceRig();
    const first = rig.connect();
    const stream = first.open("a", { away: "cancel" });
    rig.connect().resume("a", stream, 0);
    first.gone();
    expect(rig.call.aborted).toBe(false);
  });

  test("that fails keeps the failure for its client's return", () => {
    using rig = new StreamFaceRig();
    const stream = leave(rig);
    rig.call.fail(new GatewayError("upstream_reset"));
    const client = rig.connect();
    client.resume("a", stream, 0);
    expect([client.seqs("a"), client.last("end")?.error?.code]).toEqual([[1, 2], "upstream_reset"]);
  });
});

describe("a resume", () => {
  test("says why the last connection stopped reading", () => {
    using rig = new StreamFaceRig();
    const first = rig.connect();
    const stream = first.open("a");
    first.gone("no_pong");
    const second = rig.connect();
    second.resume("a", stream, 0);
    expect(second.last("resumed")).toEqual({
      type: "resumed",
      id: "a",
      stream,
      epoch: 1,
      after: 0,
      previous: "no_pong",
    });
    second.gone("client_gone");
    const third = rig.connect();
    third.resume("a", stream, 0);
    expect(third.last("resumed")?.previous).toBe("client_gone");
  });

  test("of a fully read stream names no such reason", () => {
    using rig = new StreamFaceRig();
    const first = rig.connect();
    const stream = first.open("a");
    rig.call.stop();
    first.gone("no_pong");
    const second = rig.connect();
    second.resume("a", stream, 0);
    expect(second.last("resumed")?.previous).toBeUndefined();
    expect(second.last("end")).toMatchObject({ status: "completed", lastSeq: 1 });
  });

  test("from any position delivers everything after it, or nothing", () => {
    using rig = new StreamFaceRig();
    const stream = leave(rig);
    rig.call.flood(20);
    for (let after = 0; after <= 22; after++) {
      const client = rig.connect();
      client.resume("a", stream, after);
      expect(client.seqs("a")).toEqual(upTo(22, after + 1));
    }
    const client = rig.connect();
    client.resume("a", stream, 23);
    expect([refusal(client), client.seqs("a")]).toEqual(["ahead", []]);
  });

  test("of an ended stream works until its retention is over", () => {
    using rig = new StreamFaceRig();
    const stream = leave(rig);
    rig.call.stop();
    rig.pass(RETENTION_MS - 1_000);
    const client = rig.connect();
    client.resume("a", stream, 0);
    expect([client.seqs("a"), client.last("end")?.status]).toEqual([[1, 2, 3], "completed"]);
    // That was a reading: the time begins anew.
    rig.pass(RETENTION_MS - 1_000);
    client.resume("b", stream, 3);
    expect(client.last("end")).toMatchObject({ id: "b", lastSeq: 3 });
    rig.pass(RETENTION_MS);
    client.resume("c", stream, 3);
    expect(refusal(client)).toBe("expired");
    expect(rig.budget.usedBytes).toBe(0);
  });

  test("of another epoch fails with that reason", () => {
    using rig = new StreamFaceRig();
    const stream = leave(rig);
    const client = rig.connect();
    client.resume("a", stream, 0, { epoch: 2 });
    expect(refusal(client)).toBe("epoch");
  });

  test("from a position that was acknowledged and evicted is refused and leaves the stream alone", () => {
    using rig = new StreamFaceRig({ log: { maxEntries: 20 } });
    const first = rig.connect();
    const stream = first.open("a");
    rig.call.flood(19);
    first.ack("a", 19);
    rig.call.flood(10);
    const second = rig.connect();
    second.resume("a", stream, 0);
    expect([refusal(second), first.last("detached")]).toEqual(["evicted", undefined]);
    rig.call.say("on");
    expect(first.seqs("a")).toEqual(upTo(30));
  });

  test("needs a free id and room for one more stream, like an open", () => {
    using rig = new StreamFaceRig({ face: { streamsPerConnection: 1 } });
    const stream = leave(rig);
    const client = rig.connect();
    client.open("b");
    client.resume("b", stream, 0);
    expect(client.last("error")?.error.code).toBe("duplicate_id");
    client.resume("c", stream, 0);
    expect(client.last("error")?.error.code).toBe("too_many_streams");
  });
});

describe("when memory runs short", () => {
  const limits = { budgetBytes: 100_000, log: { maxBytes: 40_000 } };

  test("the logs of ended streams make room for a new one, oldest first", () => {
    using rig = new StreamFaceRig(limits);
    const ended = [0, 1].map(() => {
      const stream = leave(rig);
      rig.call.flood(1_000);
      rig.call.stop();
      return stream;
    });
    expect(rig.budget.usedBytes).toBeGreaterThan(70_000);
    const client = rig.connect();
    client.open("a");
    expect(client.last("opened")?.id).toBe("a");
    const [oldest = "", newest = ""] = ended;
    client.resume("o", oldest, 0);
    expect(refusal(client)).toBe("evicted");
    client.resume("n", newest, 2);
    expect(client.seqs("n").length).toBeGreaterThan(100);
  });

  test("the end of a stream with an evicted log is still delivered to a client that had everything before it", () => {
    using rig = new StreamFaceRig(limits);
    const stream = leave(rig);
    const last = 3 + rig.call.flood(150);
    rig.call.stop();
    leave(rig);
    rig.call.flood(1_000);
    const client = rig.connect();
    client.open("a");
    client.resume("e", stream, last);
    expect(client.last("end")).toMatchObject({ id: "e", status: "completed", lastSeq: last });
  });

  test("new streams are refused until the running ones leave room", () => {
    using rig = new StreamFaceRig(limits);
    const parked = [leave(rig), leave(rig)];
    for (const call of rig.calls) call.flood(1_000);
    expect(rig.budget.usedBytes).toBeGreaterThan(70_000);
    const client = rig.connect();
    client.open("a");
    expect(client.last("error")).toMatchObject({ id: "a", error: { code: "overloaded", retryable: true } });
    client.say({ type: "cancel", stream: parked[0] });
    client.open("a");
    expect(client.last("opened")?.id).toBe("a");
    expect(rig.calls).toHaveLength(3);
  });

  test("a well-read stream evicts what was handled, instead of keeping it for a repeated resume", () => {
    using rig = new StreamFaceRig({ budgetBytes: 100_000, log: { maxBytes: 80_000 } });
    const client = rig.connect();
    const read = client.open("read");
    const call = rig.call;
    const handle = () => {
      call.flood(10);
      client.ack("read", client.seqs("read").at(-1) ?? 0);
    };
    handle();
    leave(rig);
    rig.call.flood(1_000);
    const before = rig.budget.usedBytes;
    expect(before).toBeGreaterThan(70_000);
    for (let round = 0; round < 10; round++) handle();
    expect(rig.budget.usedBytes).toBeLessThanOrEqual(before);
    expect(client.seqs("read")).toEqual(upTo(110));
    client.resume("again", read, 0);
    expect(refusal(client)).toBe("evicted");
  });

  test("all streams beyond a small share wait when memory is exhausted, and continue when there is some", () => {
    using rig = new StreamFaceRig({ budgetBytes: 100_000, log: { maxBytes: 100_000 } });
    const client = rig.connect();
    for (const id of ["idle", "small", "busy"]) client.open(id);
    client.writable = false;
    const [idle, small, busy] = rig.calls;
    idle?.flood(60);
    busy?.flood(1_000);
    small?.flood(8);
    expect([idle?.paused, small?.paused, busy?.paused]).toEqual([true, false, true]);
    client.drained();
    client.ack("busy", client.seqs("busy").length);
    rig.pass(1_000);
    expect([idle?.paused, busy?.paused]).toEqual([false, false]);
  });

  test("the largest parked stream is cancelled; a smaller one and those with readers continue", () => {
    using rig = new StreamFaceRig({ budgetBytes: 100_000, log: { maxBytes: 60_000 } });
    const small = leave(rig);
    const large = leave(rig);
    const [smallCall, largeCall] = rig.calls;
    smallCall?.flood(20);
    const client = rig.connect();
    client.open("mine");
    client.writable = false;
    largeCall?.flood(1_000);
    rig.call.flood(1_000);
    expect([smallCall?.aborted, largeCall?.aborted, rig.call.aborted]).toEqual([false, true, false]);
    client.drained();
    client.resume("l", large, 2);
    expect(refusal(client)).toBe("evicted");
    client.resume("s", small, 2);
    expect(client.seqs("s")).toEqual(upTo(22, 3));
  });
});
