import { describe, expect, test } from "@jest/globals";
import { StreamFaceRig } from "../../support/stream-face-rig.ts";

describe("a fault of ours in the frame of an event", () => {
  test.each([false, true])(
    "detaches that stream, which can be resumed; the others go on (batches: %s)",
    async (batch) => {
      using rig = new StreamFaceRig();
      const peer = rig.connect();
      const stream = peer.open("a", { batch });
      const faulty = rig.call;
      peer.open("b");
      const sound = rig.call;
      const { sendBytes } = peer;
      peer.sendBytes = () => {
        throw new TypeError("a fault of a frame");
      };
      faulty.say("1");
      await Promise.resolve();
      peer.sendBytes = sendBytes;
      expect(rig.faults).toEqual([expect.any(TypeError)]);
      expect(peer.last("detached")).toMatchObject({ id: "a", code: "internal" });
      sound.say("1");
      faulty.say("2");
      await Promise.resolve();
      expect([peer.seqs("a"), peer.seqs("b"), peer.closeCode]).toEqual([[], [1], undefined]);
      peer.resume("a", stream, 0);
      expect(peer.last("resumed")).toMatchObject({ id: "a", previous: "internal" });
      faulty.stop();
      expect(peer.seqs("a")).toEqual([1, 2, 3]);
      expect(peer.last("end")).toMatchObject({ id: "a", status: "completed" });
    },
  );

  test("at the end leaves the stream to be resumed for it", () => {
    using rig = new StreamFaceRig();
    const peer = rig.connect();
    const stream = peer.open("a");
    rig.call.say("1");
    const { send } = peer;
    peer.send = (frame) => {
      if (frame.includes('"type":"end"')) throw new TypeError("a fault of the end");
      return send.call(peer, frame);
    };
    rig.call.stop();
    peer.send = send;
    expect(rig.faults).toEqual([expect.any(TypeError)]);
    peer.resume("a", stream, 1);
    expect(peer.last("end")).toMatchObject({ id: "a", status: "completed", lastSeq: 2 });
  });
});
