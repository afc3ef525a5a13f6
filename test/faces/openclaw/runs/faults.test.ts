import { describe, expect, test } from "@jest/globals";
import { createMemoryTranscripts } from "../../../../src/storage/transcripts/memory-transcripts.ts";
import type { OpenClawClient, Payload } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const send = (client: OpenClawClient, runId: string): Promise<Payload> =>
  client.request("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: runId });

describe("a fault of ours", () => {
  test("in one client's frames closes its connection with 1011; the run and the other clients continue", async () => {
    await using rig = await startRig();
    const faulty = await rig.connection();
    using sound = await rig.client();
    await send(sound, "r1");
    faulty.send = () => {
      throw new TypeError("a fault of a frame");
    };
    rig.call.text("Hel");
    rig.call.text("lo");
    expect(faulty.client.closing).toEqual({ code: 1011, reason: "internal" });
    expect(rig.faults).toEqual([expect.any(TypeError)]);
    faulty.send = () => true;
    rig.call.finish();
    expect(await sound.ended("r1")).toMatchObject({ state: "final", message: { content: [{ text: "Hello" }] } });
  });

  test.each(["question", "answer"] as const)(
    "while the %s is kept ends that run; the next message gets its turn",
    async (place) => {
      const transcripts = createMemoryTranscripts();
      const { append } = transcripts;
      await using rig = await startRig({ transcripts });
      using client = await rig.client();
      const breaks = () => {
        transcripts.append = () => {
          throw new TypeError("a fault of the store");
        };
      };
      if (place === "question") breaks();
      await send(client, "r1");
      if (place === "answer") {
        rig.call.text("Hello");
        breaks();
        rig.call.finish();
      }
      transcripts.append = append;
      expect(rig.faults).toContainEqual(expect.any(TypeError));
      await send(client, "r2");
      rig.call.text("Again").finish();
      expect(await client.ended("r2")).toMatchObject({ state: "final", message: { content: [{ text: "Again" }] } });
      const waited = await client.request("agent.wait", { runId: "r1", timeoutMs: 60_000 });
      expect(waited).toMatchObject({ status: "error" });
    },
  );
});
