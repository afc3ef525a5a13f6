import { describe, expect, test } from "@jest/globals";
import { readFrame } from "../../../src/faces/stream/client-frames.ts";

const acks = (count: number, seq = 1) => Object.fromEntries([...Array(count).keys()].map((at) => [`s${at}`, seq]));

describe("a frame with too many members is refused before any of them is read", () => {
  test("an ack may name twice as many streams as may be open, because some have just ended", () => {
    expect(readFrame({ type: "ack", streams: acks(64) }, 32)).toMatchObject({ type: "ack" });
    const tooMany = () => readFrame({ type: "ack", streams: acks(65) }, 32);
    expect(tooMany).toThrow(expect.objectContaining({ code: "bad_frame", message: "streams: more than 64 members" }));
  });

  test("one message names the problem, however many members are wrong", () => {
    const wrong = () => readFrame({ type: "ack", streams: acks(9_999, -1) }, 32);
    expect(wrong).toThrow("streams: more than 64 members");
    const fields = () => readFrame({ type: "open", id: "a", model: "m", body: {}, ...acks(9_000) }, 32);
    expect(fields).toThrow("frame: more than 16 members");
  });
});
