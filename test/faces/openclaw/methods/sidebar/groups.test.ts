import { describe, expect, test } from "@jest/globals";
import type { OpenClawClient } from "../../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../../support/openclaw/openclaw-rig.ts";

const groupsOf = async (client: OpenClawClient) =>
  ((await client.request("sessions.groups.list")).groups as { name: string }[]).map(({ name }) => name);

const into = async (client: OpenClawClient, key: string, category: string | null) =>
  client.request("sessions.patch", { key, category });

const categoryOf = async (client: OpenClawClient, key: string) =>
  ((await client.request("sessions.describe", { key })).session as { category?: string }).category;

describe("groups of sessions", () => {
  test("keep their order and the empty ones over a restart", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("sessions.groups.put", { names: ["Work", " Home ", "Work"] });
    await client.request("sessions.groups.put", {
      names: ["Home", "Work"],
      sectionOrder: ["category:Work", "ungrouped", "category:None", "nonsense"],
    });
    await using later = await rig.restart();
    using again = await later.client();
    expect(await again.request("sessions.groups.list")).toEqual({
      groups: [
        { name: "Home", position: 0 },
        { name: "Work", position: 1 },
      ],
      sectionOrder: ["category:Work", "ungrouped"],
    });
    expect(await again.request("sessions.groups.defaults")).toEqual({ defaults: [{ name: "Home" }, { name: "Work" }] });
  });

  test("appear when a session is put into one, and list its sessions", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await into(client, "one", "Trips");
    await into(client, "two", null);
    expect(await groupsOf(client)).toEqual(["Trips"]);
    expect(await client.request("sessions.list", { group: "Trips" })).toMatchObject({
      totalCount: 1,
      sessions: [{ key: "agent:main:one", category: "Trips" }],
    });
    expect(await client.request("sessions.list", { group: "Other" })).toMatchObject({ totalCount: 0 });
    await into(client, "one", null);
    expect(await groupsOf(client)).toEqual(["Trips"]);
  });

  test("are renamed with their sessions; onto another one they join it", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await into(client, "one", "A");
    await into(client, "two", "B");
    await client.request("sessions.groups.put", { names: ["A", "B"], sectionOrder: ["category:A", "ungrouped"] });
    expect(await client.request("sessions.groups.rename", { name: "A", to: "C" })).toEqual({
      ok: true,
      groups: [
        { name: "C", position: 0 },
        { name: "B", position: 1 },
      ],
      sectionOrder: ["category:C", "ungrouped"],
      updatedSessions: 1,
    });
    expect(await categoryOf(client, "one")).toBe("C");
    await client.request("sessions.groups.rename", { name: "C", to: "B" });
    expect(await groupsOf(client)).toEqual(["B"]);
    expect(await categoryOf(client, "one")).toBe("B");
    expect(await client.refusal("sessions.groups.rename", { name: "C", to: "D" })).toMatchObject({
      code: "INVALID_REQUEST",
      message: "unknown session group: C",
    });
  });

  test("are deleted without their sessions, and never dropped with sessions by a put", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await into(client, "one", "A");
    expect(await client.refusal("sessions.groups.put", { names: [] })).toMatchObject({
      message: expect.stringContaining('groups that still have member sessions: "A" (1)'),
    });
    expect(await client.request("sessions.groups.delete", { name: "A" })).toMatchObject({
      groups: [],
      updatedSessions: 1,
    });
    expect(await categoryOf(client, "one")).toBeUndefined();
  });

  test("that change are told to the clients that follow the list", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    using other = await rig.client();
    await other.request("sessions.subscribe");
    await client.request("sessions.groups.put", { names: ["A"] });
    await other.until(() => other.payloads("sessions.changed").some(({ reason }) => reason === "groups"));
  });

  test("are at most 256", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const names = Array.from({ length: 257 }, (_, index) => `group ${index}`);
    expect(await client.refusal("sessions.groups.put", { names })).toMatchObject({ code: "INVALID_REQUEST" });
    await client.request("sessions.groups.put", { names: names.slice(0, 256) });
    expect(await client.refusal("sessions.patch", { key: "one", category: "one more" })).toMatchObject({
      message: "there may be at most 256 groups",
    });
  });
});
