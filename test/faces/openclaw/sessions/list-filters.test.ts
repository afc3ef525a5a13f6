import { describe, expect, test } from "@jest/globals";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../support/openclaw/openclaw-rig.ts";

const keysOf = async (client: OpenClawClient, filter: object) =>
  ((await client.request("sessions.list", filter)).sessions as { key: string }[]).map(({ key }) =>
    key.replace("agent:main:", ""),
  );

/** `spoken` has been answered first, `silent` was made and renamed later. */
async function twoSessions(rig: Rig, client: OpenClawClient): Promise<void> {
  await client.request("chat.send", { sessionKey: "spoken", message: "hello", idempotencyKey: "r1" });
  rig.call.text("hi").finish();
  await client.ended("r1");
  rig.clock.nowMs += 1_000;
  await client.request("sessions.create", { key: "silent" });
}

describe("the list of sessions", () => {
  test.each([
    { hasBoard: true },
    { boardFace: "dashboard" },
    { spawnedBy: "agent:main:spoken" },
    { projectId: "p" },
    { workspaceDir: "/tmp" },
    { creatorId: "someone" },
    { ownerId: "someone" },
    { involvingProfileId: "someone" },
    { profileRelation: { profileId: "someone", relationship: "owned" } },
  ])("is empty under a filter that no session here can pass: %j", async (filter) => {
    await using rig = await startRig();
    using client = await rig.client();
    await twoSessions(rig, client);
    expect(await client.request("sessions.list", { ...filter, archived: "all" })).toMatchObject({
      totalCount: 0,
      sessions: [],
    });
  });

  test("has all sessions without a board", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await twoSessions(rig, client);
    expect(await keysOf(client, { hasBoard: false })).toEqual(["silent", "spoken"]);
  });

  test("has the sessions in which somebody wrote", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await twoSessions(rig, client);
    expect(await keysOf(client, { requireLastInteraction: true })).toEqual(["spoken"]);
  });

  test("has the sessions that are being answered", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await twoSessions(rig, client);
    expect(await keysOf(client, { activeOnly: true })).toEqual([]);
    await client.request("chat.send", { sessionKey: "spoken", message: "again", idempotencyKey: "r2" });
    expect(await keysOf(client, { activeOnly: true })).toEqual(["spoken"]);
  });

  test("is sorted by the last change, the last question, or the last question or answer", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await twoSessions(rig, client);
    expect(await keysOf(client, {})).toEqual(["silent", "spoken"]);
    expect(await keysOf(client, { sortBy: "updatedAt" })).toEqual(["silent", "spoken"]);
    expect(await keysOf(client, { sortBy: "lastInteractionAt" })).toEqual(["spoken", "silent"]);
    // Without either it is as old as itself.
    expect(await keysOf(client, { sortBy: "activity" })).toEqual(["silent", "spoken"]);
  });
});
