import { describe, expect, test } from "@jest/globals";
import { StreamFaceRig } from "../../support/gateways/stream-face-rig.ts";

/** A stream of three events that has ended, seen by its client. */
function ended(more: Readonly<Record<string, unknown>> = {}) {
  const rig = new StreamFaceRig();
  const client = rig.connect();
  const stream = client.open("a", more);
  rig.call.say("1");
  rig.call.say("2");
  rig.call.stop();
  return { rig, client, stream };
}

describe("the events of an ended stream", () => {
  test("are released as soon as its client has acknowledged them, and its end can still be resumed", () => {
    const { rig, client, stream } = ended();
    expect(rig.budget.usedBytes).toBeGreaterThan(0);
    client.ack("a", 3);
    expect(rig.budget.usedBytes).toBe(0);
    const other = rig.connect();
    other.resume("a", stream, 3);
    expect(other.last("end")).toMatchObject({ id: "a", status: "completed", lastSeq: 3 });
    other.resume("b", stream, 0);
    expect(other.last("error")).toMatchObject({ id: "b", error: { details: { reason: "evicted" } } });
  });

  test("are released at the end if they were acknowledged before it", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    client.open("a");
    rig.call.say("1");
    client.ack("a", 1);
    expect(rig.budget.usedBytes).toBeGreaterThan(0);
    rig.call.stop();
    client.ack("a", 2);
    expect(rig.budget.usedBytes).toBe(0);
  });

  test.each([
    ["some of them are not acknowledged", {}, 2],
    ["the request may be repeated", { idempotencyKey: "k" }, 3],
  ])("stay if %s", (_, more, acknowledged) => {
    const { rig, client, stream } = ended(more);
    client.ack("a", acknowledged);
    const other = rig.connect();
    other.resume("a", stream, 0);
    expect(other.seqs("a")).toEqual([1, 2, 3]);
  });

  test("stay if the client reads them again under the same id", () => {
    const { client, stream } = ended();
    client.resume("a", stream, 1);
    expect(client.seqs("a")).toEqual([1, 2, 3, 2, 3]);
  });

  test("if they were only sent, take a twentieth of the log budget: the oldest are dropped, the newest stays", () => {
    using rig = new StreamFaceRig({ budgetBytes: 100_000 });
    const client = rig.connect();
    const streams = ["a", "b", "c"].map((id) => {
      const stream = client.open(id, { flow: "none" });
      rig.call.say("x".repeat(2_000));
      rig.call.stop();
      return stream;
    });
    // Two of them fit into 5,000 bytes.
    expect(rig.budget.usedBytes).toBeGreaterThan(2 * 2_000);
    expect(rig.budget.usedBytes).toBeLessThan(5_000);
    const other = rig.connect();
    for (const [index, stream] of streams.entries()) other.resume(`r${index}`, stream, 0);
    expect(other.last("error")).toMatchObject({ id: "r0", error: { details: { reason: "evicted" } } });
    expect([other.seqs("r1"), other.seqs("r2")]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    // Larger than their share: it is the newest, and so it can still be read.
    const large = client.open("d", { flow: "none" });
    rig.call.say("x".repeat(6_000));
    rig.call.stop();
    other.resume("r3", large, 0);
    expect(other.seqs("r3")).toEqual([1, 2]);
  });

  test("are not dropped for others while a client reads them again under an id it has used before", () => {
    using rig = new StreamFaceRig({ budgetBytes: 100_000 });
    const client = rig.connect();
    const open = (id: string, more: Readonly<Record<string, unknown>>) => {
      const stream = client.open(id, more);
      rig.call.say("x".repeat(4_000));
      rig.call.stop();
      return stream;
    };
    const sent = open("a", { flow: "none" });
    open("b", {});
    client.resume("b", sent, 0);
    expect(client.seqs("b")).toEqual([1, 2, 1, 2]);
    expect(client.last("end")).toMatchObject({ id: "b", status: "completed" });
  });

  test("stay if they were only sent, to a client that does not acknowledge", () => {
    const { rig, stream } = ended({ flow: "none" });
    const other = rig.connect();
    other.resume("a", stream, 0);
    expect(other.seqs("a")).toEqual([1, 2, 3]);
  });
});
