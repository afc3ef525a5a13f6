import { expect, test } from "@jest/globals";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

test("a session is deleted only on the conditions that its client names", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await client.request("sessions.create", { key: "one" });
  const key = "agent:main:one";
  const { session } = await client.request("sessions.describe", { key });
  const { updatedAt } = session as { updatedAt: number };
  const refusal = (condition: object) => client.refusal("sessions.delete", { key, ...condition });
  expect(await refusal({ archivedOnly: true })).toMatchObject({
    message: `Session ${key} is not archived. Archive it first, then delete it.`,
  });
  const changed = { message: "session changed", details: { reason: "session-changed" } };
  expect(await refusal({ expectedSessionUpdatedAt: updatedAt - 1 })).toMatchObject(changed);
  expect(await refusal({ expectedLifecycleRevision: "3" })).toMatchObject(changed);
  expect(await refusal({ expectedSessionId: "another" })).toMatchObject(changed);
  expect((await refusal({ deleteTranscript: false })).message).toContain("is deleted with its transcript");
  expect(await client.request("sessions.describe", { key })).toMatchObject({ session: { key } });
  await client.request("sessions.patch", { key, archived: true });
  const met = { archivedOnly: true, expectedSessionUpdatedAt: updatedAt, deleteTranscript: true };
  expect(await client.request("sessions.delete", { key, ...met })).toMatchObject({ deleted: true });
});

test("a session is changed only as its client last saw it, and one that is gone is not made again", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await client.request("sessions.create", { key: "one" });
  const refusal = (condition: object, key = "one") =>
    client.refusal("sessions.patch", { key, label: "Coast", ...condition });
  for (const condition of [
    { expectedLifecycleRevision: "3" },
    { expectedPermissionMode: "full" },
    { expectedSandboxMode: "off" },
    { expectedNativeRuntimeConsent: "yes" },
    { expectedToolOverrides: { deny: ["exec"] } },
  ]) {
    expect(await refusal(condition)).toMatchObject({ message: "session changed" });
  }
  expect(await refusal({ expectedSessionId: "s" }, "gone")).toMatchObject({ message: "session changed" });
  expect(await client.request("sessions.list")).toMatchObject({ totalCount: 1 });
  const targets = [{ key: "one", expectedPermissionMode: "full" }];
  const { outcomes } = await client.request("sessions.patchMany", { targets, patch: { label: "Coast" } });
  expect(outcomes).toMatchObject([{ ok: false, error: { message: "session changed" } }]);
  const none = { expectedPermissionMode: null, expectedToolOverrides: {} };
  expect(await client.request("sessions.patch", { key: "one", label: "Coast", ...none })).toMatchObject({ ok: true });
});

test("a page that opens a session takes away only the mark that it saw", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await client.request("sessions.create", { key: "one" });
  const row = async () => (await client.request("sessions.describe", { key: "one" })).session as object;
  await client.request("sessions.patch", { key: "one", unread: true });
  const { markedUnreadAt } = (await row()) as { markedUnreadAt: number };
  expect(markedUnreadAt).toBeGreaterThan(0);
  const read = (expectedMarkedUnreadAt: number | null) => ({ key: "one", unread: false, expectedMarkedUnreadAt });
  await client.request("sessions.patch", read(null));
  expect(await row()).toMatchObject({ unread: true, markedUnreadAt });
  expect((await client.refusal("sessions.patch", { ...read(markedUnreadAt), pinned: true })).message).toContain(
    "requires unread=false as the only mutation",
  );
  await client.request("sessions.patch", read(markedUnreadAt));
  expect(await row()).toMatchObject({ unread: false });
  expect(await row()).not.toHaveProperty("markedUnreadAt");
});

test("a session that is created in a folder is in it, and the folder is in the list", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await client.request("sessions.create", { key: "one", category: "Trips" });
  expect(await client.request("sessions.describe", { key: "one" })).toMatchObject({ session: { category: "Trips" } });
  expect(await client.request("sessions.groups.list")).toMatchObject({ groups: [{ name: "Trips" }] });
  await client.request("sessions.patch", { key: "one", category: null });
  expect(await client.request("sessions.groups.list")).toMatchObject({ groups: [{ name: "Trips" }] });
});

test("what a session cannot be is refused with its name and the reason, and none is made", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  for (const wish of [
    { cwd: "/srv" },
    { projectId: "p" },
    { visibility: "draft" },
    { permissionMode: "full" },
    { catalogId: "codex" },
    { incognito: true },
    { worktree: true },
  ]) {
    const [name = ""] = Object.keys(wish);
    const { code, message } = await client.refusal("sessions.create", { key: "one", ...wish });
    expect({ code, name: String(message).split(":")[0] }).toEqual({ code: "INVALID_REQUEST", name });
  }
  expect(await client.request("sessions.list")).toMatchObject({ totalCount: 0 });
  const harmless = { visibility: "shared", incognito: false, worktree: false, fastMode: "auto" };
  expect(await client.request("sessions.create", { key: "one", ...harmless })).toMatchObject({ ok: true });
});

test("a fork from the last completed answer leaves out what came after it", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  const send = (runId: string) =>
    client.request("chat.send", { sessionKey: "main", message: `Say ${runId}`, idempotencyKey: runId });
  await send("r1");
  rig.call.text("Whole").finish();
  await client.ended("r1");
  await send("r2");
  rig.call.text("Ha");
  await client.until(() => client.chat("r2").length > 0);
  await client.request("chat.abort", { sessionKey: "main" });
  await client.ended("r2");
  const fork = { key: "copy", parentSessionKey: "main", fork: true, forkFrom: "last-completed" };
  await client.request("sessions.create", fork);
  const { messages } = await client.request("sessions.get", { key: "copy" });
  expect(JSON.stringify(messages)).toContain("Whole");
  expect(JSON.stringify(messages)).not.toContain("Say r2");
  expect((await client.refusal("sessions.create", { ...fork, fork: false })).message).toBe(
    "forkFrom requires fork=true",
  );
});

test("a search looks where it is told to: in the sessions of a list, or in those of an agent", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  for (const key of ["one", "two"]) {
    await client.request("chat.inject", { sessionKey: key, message: "The early train" });
  }
  await client.request("sessions.patch", { key: "two", archived: true, category: "Trips" });
  const found = async (where: object) =>
    ((await client.request("sessions.search", { query: "train", ...where })).results as { sessionKey: string }[])
      .map(({ sessionKey }) => sessionKey.split(":").at(-1))
      .sort();
  expect(await found({})).toEqual(["one", "two"]);
  expect(await found({ scope: {} })).toEqual(["one"]);
  expect(await found({ scope: { archived: true } })).toEqual(["two"]);
  expect(await found({ scope: { group: "Trips", archived: "all" } })).toEqual(["two"]);
  expect(await found({ agentId: "main" })).toEqual(["one", "two"]);
  expect(await found({ agentId: "other" })).toEqual([]);
  const both = { query: "train", scope: {}, sessionKeys: ["one"] };
  expect((await client.refusal("sessions.search", both)).message).toContain("scope cannot be combined");
});

test("no session is found below another", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await client.request("sessions.create", { key: "one" });
  const params = { key: "one", allowMissing: true };
  expect(await client.request("sessions.resolve", params)).toMatchObject({ ok: true });
  expect(await client.request("sessions.resolve", { ...params, spawnedBy: "main" })).toMatchObject({ ok: false });
});

test("a message goes only to the session that its client saw", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  const message = { sessionKey: "main", message: "Hello", idempotencyKey: "r1" };
  expect(await client.refusal("chat.send", { ...message, expectedPermissionMode: "full" })).toMatchObject({
    message: "session changed",
  });
  expect(await client.refusal("agent", { ...message, expectedExistingSessionId: "gone" })).toMatchObject({
    message: "session changed",
  });
  expect(rig.calls).toHaveLength(0);
  const none = { expectedPermissionMode: null, expectedToolOverrides: null };
  expect(await client.request("chat.send", { ...message, ...none })).toMatchObject({ status: "started" });
});

test("a history is read around a message that a search found", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  for (const message of ["one", "two", "three", "four", "five"]) {
    await client.request("chat.inject", { sessionKey: "main", message });
  }
  const { results } = await client.request("sessions.search", { query: "two" });
  const [{ messageId, sessionId } = { messageId: "", sessionId: "" }] = results as {
    messageId: string;
    sessionId: string;
  }[];
  const asked = { sessionKey: "main", messageId, sessionId, limit: 3 };
  const texts = async (params: object) => JSON.stringify((await client.request("chat.history", params)).messages);
  expect(await texts(asked)).toMatch(/one.*two.*three/);
  expect(await texts(asked)).not.toContain("four");
  expect(await texts({ ...asked, messageId: "another" })).toBe("[]");
  expect(await client.refusal("chat.history", { ...asked, sessionId: "another" })).toMatchObject({
    message: "sessionId does not belong to sessionKey",
  });
  expect(await client.refusal("chat.history", { ...asked, offset: 1 })).toMatchObject({
    message: "offset and messageId cannot be used together",
  });
});
