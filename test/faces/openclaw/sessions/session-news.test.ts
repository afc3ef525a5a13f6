import { describe, expect, test } from "@jest/globals";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../support/openclaw/openclaw-rig.ts";

/** One that follows the list of sessions, and the messages of `main` if it says so. */
async function reader(rig: Rig, follows: "messages" | "list"): Promise<OpenClawClient> {
  const client = await rig.client();
  await client.request("sessions.subscribe");
  if (follows === "messages") await client.request("sessions.messages.subscribe", { key: "main" });
  return client;
}

const ask = (client: OpenClawClient, runId: string) =>
  client.request("chat.send", { sessionKey: "main", message: `say ${runId}`, idempotencyKey: runId });

describe("a turn", () => {
  test("is told once: to who follows the messages with the row, to who follows the list as a change", async () => {
    await using rig = await startRig();
    using near = await reader(rig, "messages");
    using far = await reader(rig, "list");
    await ask(near, "r1");
    const begun = { key: "agent:main:main", status: "running", hasActiveRun: true, derivedTitle: "say r1" };
    expect(near.payloads("session.message")).toMatchObject([{ message: { role: "user" }, session: begun }]);
    expect(near.payloads("sessions.changed")).toEqual([]);
    expect(far.payloads("sessions.changed")).toMatchObject([{ reason: "send", runId: "r1", session: begun }]);
    expect(far.payloads("session.message")).toEqual([]);

    rig.call.text("yes").finish();
    await near.ended("r1");
    const done = { status: "done", hasActiveRun: false };
    expect(near.payloads("session.message").at(-1)).toMatchObject({
      hasActiveRun: true,
      message: { role: "assistant" },
    });
    expect(near.payloads("sessions.changed")).toMatchObject([{ phase: "end", runId: "r1", session: done }]);
    expect(far.payloads("sessions.changed").at(-1)).toMatchObject({ reason: "agent.input.settled", session: done });
    const told = [...near.payloads("session.message"), ...near.payloads("sessions.changed")];
    for (const payload of [...told, ...far.payloads("sessions.changed")]) {
      expect(payload.ancestorSessions).toEqual([]);
    }
  });

  test("that has to wait is told to all but its sender, who then find it in the history", async () => {
    await using rig = await startRig();
    using sender = await reader(rig, "messages");
    using other = await reader(rig, "messages");
    await ask(sender, "r1");
    await ask(sender, "r2");
    expect(other.payloads("sessions.changed")).toMatchObject([{ reason: "send", runId: "r2" }]);
    expect(sender.payloads("sessions.changed")).toEqual([]);
    expect(await other.request("chat.history", { sessionKey: "main" })).toMatchObject({
      pendingInputs: { items: [{ runId: "r2", state: "queued" }] },
    });
  });
});

test("a session that was read is told without a reason, any other change with it", async () => {
  await using rig = await startRig();
  using client = await reader(rig, "messages");
  await client.request("sessions.patch", { key: "main", unread: false, label: "Mine" });
  await client.request("sessions.patch", { key: "main", unread: true });
  const [renamed, marked] = client.payloads("sessions.changed");
  expect(renamed).toMatchObject({ reason: "patch", session: { label: "Mine" } });
  expect(marked).toMatchObject({ session: { unread: true } });
  expect(marked).not.toHaveProperty("reason");
});
