import { describe, expect, test } from "@jest/globals";
import { StreamFaceRig } from "../../support/gateways/stream-face-rig.ts";

describe("a fault of ours in the frame of an event", () => {
  test.each([false, true])(
    "detaches that stream, which can be resumed; the others continue (batches: %s)",
    async (batch) => {
      using rig = new StreamFaceRig();
      const client = rig.connect();
      const stream = client.open("a", { batch });
      const faulty = rig.call;
      client.open("b");
      const sound = rig.call;
      const { sendBytes } = client;
      client.sendBytes = () => {
        throw new TypeError("a fault of a frame");
      };
      faulty.say("1");
      await Promise.resolve();
      client.sendBytes = sendBytes;
      expect(rig.faults).toEqual([expect.any(TypeError)]);
      expect(client.last("detached")).toMatchObject({ id: "a", code: "internal" });
      sound.say("1");
      faulty.say("2");
      await Promise.resolve();
      expect([client.seqs("a"), client.seqs("b"), client.closeCode]).toEqual([[], [1], undefined]);
      client.resume("a", stream, 0);
      expect(client.last("resumed")).toMatchObject({ id: "a", previous: "internal" });
      faulty.stop();
      expect(client.seqs("a")).toEqual([1, 2, 3]);
      expect(client.last("end")).toMatchObject({ id: "a", status: "completed" });
    },
  );

  test("at the end leaves the stream to be resumed", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect();
    const stream = client.open("a");
    rig.call.say("1");
    const { send } = client;
    client.send = (frame) => {
      if (frame.includes('"type":"end"')) throw new TypeError("a fault of the end");
      return send.call(client, frame);
    };
    rig.call.stop();
    client.send = send;
    expect(rig.faults).toEqual([expect.any(TypeError)]);
    client.resume("a", stream, 1);
    expect(client.last("end")).toMatchObject({ id: "a", status: "completed", lastSeq: 2 });
  });
});
