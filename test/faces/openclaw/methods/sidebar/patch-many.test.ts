import { expect, test } from "@jest/globals";
import { startRig } from "../../../../support/openclaw/openclaw-rig.ts";

test("many sessions are archived at once; each has its outcome, and one that is refused stops none", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  for (const key of ["main", "one", "two", "three"]) await client.request("sessions.create", { key });
  const { outcomes } = await client.request("sessions.patchMany", {
    targets: [
      { key: "one", agentId: "main" },
      { key: "two", expectedSessionId: "another" },
      { key: "gone" },
      { key: "main" },
      { key: "three" },
    ],
    patch: { archived: true },
  });
  expect(outcomes).toMatchObject([
    { ok: true, key: "one", agentId: "main" },
    { ok: false, key: "two", error: { code: "INVALID_REQUEST", message: "session changed" } },
    { ok: false, key: "gone", error: { code: "INVALID_REQUEST", details: { code: "unknown_session" } } },
    { ok: false, key: "main", error: { message: "Cannot archive an agent's main session." } },
    { ok: true, key: "three" },
  ]);
  const listed = async (archived: boolean) =>
    ((await client.request("sessions.list", { archived })).sessions as { key: string }[]).map(({ key }) => key).sort();
  expect(await listed(true)).toEqual(["agent:main:one", "agent:main:three"]);
  expect(await listed(false)).toEqual(["agent:main:main", "agent:main:two"]);
});

test("the clients that follow the list hear of each changed session", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  using other = await rig.client();
  for (const key of ["one", "two"]) await client.request("sessions.create", { key });
  await other.request("sessions.subscribe");
  await client.request("sessions.patchMany", {
    targets: [{ key: "one" }, { key: "two" }],
    patch: { category: "Trips" },
  });
  const patched = () => other.payloads("sessions.changed").filter(({ reason }) => reason === "patch");
  await other.until(() => patched().length === 2);
  expect(patched()).toMatchObject([{ session: { category: "Trips" } }, { session: { category: "Trips" } }]);
  expect(await client.request("sessions.groups.list")).toMatchObject({ groups: [{ name: "Trips" }] });
});

test("a session that is named twice is refused before any is changed", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await client.request("sessions.create", { key: "one" });
  const targets = [{ key: "one" }, { key: "agent:main:one" }];
  expect(await client.refusal("sessions.patchMany", { targets, patch: { archived: true } })).toMatchObject({
    message: "Duplicate target.",
  });
  expect(await client.request("sessions.list")).toMatchObject({ totalCount: 1 });
});

test("at most a hundred sessions are changed by one request", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  const targets = Array.from({ length: 101 }, (_, index) => ({ key: `s${index}` }));
  expect(await client.refusal("sessions.patchMany", { targets, patch: {} })).toMatchObject({ code: "INVALID_REQUEST" });
  expect(await client.refusal("sessions.patchMany", { targets: [], patch: {} })).toMatchObject({
    code: "INVALID_REQUEST",
  });
  expect((await client.request("sessions.patchMany", { targets: targets.slice(1), patch: {} })).outcomes).toHaveLength(
    100,
  );
});
