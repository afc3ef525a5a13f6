import { expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { Transcripts } from "../../../src/core/ports/transcripts.ts";
import { createMemoryTranscripts } from "../../../src/storage/transcripts/memory-transcripts.ts";
import { startRig } from "../../support/openclaw/openclaw-rig.ts";

/** A store that fails at one of its reads, the first being 1, and counts who follows it. */
function failingStore(failsAt: number) {
  const real = createMemoryTranscripts();
  const following = new Set<object>();
  let reads = 0;
  const read = async <Result>(result: () => Promise<Result>) => {
    if (++reads === failsAt) throw new GatewayError("store_unavailable", "it is away");
    return result();
  };
  const follow = () => {
    const follower = {};
    following.add(follower);
    return () => following.delete(follower);
  };
  const replaced = {
    follow,
    documents: (kind: string) => read(() => real.documents(kind)),
    claim: (kind: string, which: "all" | "left") => read(() => real.claim(kind, which)),
  };
  const transcripts = new Proxy<Transcripts>(real, {
    get: (target, name) => Reflect.get(replaced, name) ?? bound(target, name),
  });
  return { transcripts, following, reads: () => reads };
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === "function" ? value.bind(target) : value;
}

test("a face that cannot be loaded leaves nobody who follows the store, whichever read fails; nor does one that is closed", async () => {
  const whole = failingStore(0);
  const rig = await startRig({ transcripts: whole.transcripts, durable: true });
  expect(whole.following.size).toBeGreaterThan(1);
  await rig[Symbol.asyncDispose]();
  expect(whole.following.size).toBe(0);
  expect(whole.reads()).toBeGreaterThanOrEqual(5);
  for (let failsAt = 1; failsAt <= whole.reads(); failsAt++) {
    const { transcripts, following } = failingStore(failsAt);
    await expect(startRig({ transcripts, durable: true })).rejects.toMatchObject({ code: "store_unavailable" });
    expect([failsAt, following.size]).toEqual([failsAt, 0]);
  }
});
