import { expect, test } from "@jest/globals";
import { SIDE_CHAT } from "../../../../../protocol/openclaw/side-chat-params.ts";
import { turnsUntil } from "../../../../support/jest/turns-until.ts";
import type { OpenClawClient } from "../../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../../support/openclaw/openclaw-rig.ts";

const say = (client: OpenClawClient, message: string, idempotencyKey: string) =>
  client.request("chat.send", { sessionKey: "main", message, idempotencyKey });

/** Resolves when there are this many upstream calls. */
async function calls(rig: Rig, count: number): Promise<void> {
  await turnsUntil(() => rig.calls.length >= count);
}

test("/btw asks the side chat, during an answer too, and the conversation goes on without it", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await say(client, "Where is Bergen?", "r1");
  const first = rig.call;
  const asked = say(client, "/btw How big is it?", "b1");
  await calls(rig, 2);
  expect(JSON.stringify(rig.call.body)).toContain("How big is it?");
  expect(JSON.stringify(rig.call.body)).toContain("Where is Bergen?");
  expect(JSON.stringify(rig.call.body)).not.toContain("/btw");
  rig.call.text("Rather small").finish();
  await asked;
  expect(JSON.stringify(await client.ended("b1"))).toContain("Rather small");
  expect(await client.request("sessions.companion.state", { sessionKey: "main" })).toMatchObject({
    exchanges: [{ question: "How big is it?", answer: "Rather small" }],
  });
  first.text("In Norway").finish();
  await client.ended("r1");
  await say(client, "And Oslo?", "r2");
  expect(rig.call.body.messages).toMatchObject([
    { content: "Where is Bergen?" },
    { content: "In Norway" },
    { content: "And Oslo?" },
  ]);
});

test("/btw without a question, or with one that is too long, says so and asks nobody", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await say(client, "/btw", "b1");
  expect(JSON.stringify(await client.ended("b1"))).toContain("Nothing was asked");
  await say(client, `/side ${"x".repeat(SIDE_CHAT.maxQuestionCharacters + 1)}`, "b2");
  expect(JSON.stringify(await client.ended("b2"))).toContain(`at most ${SIDE_CHAT.maxQuestionCharacters}`);
  expect(rig.calls).toHaveLength(0);
});

test("/btw on a session that is deleted meanwhile does not bring it back", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  const params = { sessionKey: "one", message: "/btw Where?", idempotencyKey: "b1" };
  await client.request("chat.send", params);
  await calls(rig, 1);
  await client.request("sessions.delete", { key: "one" });
  expect(rig.call.aborted).toBe(true);
  expect(await client.request("sessions.list")).toMatchObject({ totalCount: 0 });
  expect(await rig.transcripts.messages("agent:main:one")).toEqual([]);
});
