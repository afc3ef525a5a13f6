import { describe, expect, test } from "@jest/globals";
import { StreamFaceRig } from "../../support/stream-face-rig.ts";

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

  test("stay if they were only sent, to a client that does not acknowledge", () => {
    const { rig, stream } = ended({ flow: "none" });
    const other = rig.connect();
    other.resume("a", stream, 0);
    expect(other.seqs("a")).toEqual([1, 2, 3]);
  });
});
