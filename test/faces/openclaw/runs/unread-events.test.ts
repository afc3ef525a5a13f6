import { expect, test } from "@jest/globals";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const BROKEN = '{"choices":[{"index":0,"delta":{"content":"lost';
const NOTE = "[Text may be missing: an event of this answer could not be read.]";

const send = (client: OpenClawClient, runId: string) =>
  client.request("chat.send", { sessionKey: "main", message: "Hi", idempotencyKey: runId });

const history = async (client: OpenClawClient) =>
  (await client.request("chat.history", { sessionKey: "main" })).messages as { role: string; content: unknown }[];

test("a run says after its answer that text may be missing, at its end and in every history", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await send(client, "r1");
  rig.call.text("Half of ");
  rig.call.event(undefined, BROKEN);
  rig.call.text("it.").finish();
  const content = [
    { type: "text", text: "Half of it." },
    { type: "text", text: NOTE },
  ];
  expect(await client.ended("r1")).toMatchObject({ state: "final", message: { content } });
  expect(await history(client)).toMatchObject([{ role: "user" }, { role: "assistant", content }]);
  using other = await rig.client();
  expect(await history(other)).toMatchObject([{ role: "user" }, { role: "assistant", content }]);
});

test("no model reads that note", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await send(client, "r1");
  rig.call.text("Half of ");
  rig.call.event(undefined, BROKEN);
  rig.call.finish();
  await client.ended("r1");
  await send(client, "r2");
  expect(JSON.stringify(rig.call.body)).toContain("Half of ");
  expect(JSON.stringify(rig.call.body)).not.toContain("may be missing");
});

test("a run whose answer could not be read at all says so, however it ends", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await send(client, "r1");
  for (let times = 0; times < 3; times++) rig.call.event(undefined, BROKEN);
  rig.call.fail(new GatewayError("upstream_reset"));
  const text = "[Text may be missing: 3 events of this answer could not be read.]";
  expect(await client.ended("r1")).toMatchObject({
    state: "error",
    message: { content: expect.arrayContaining([{ type: "text", text }]) },
  });
  expect((await history(client)).at(-1)?.content).toEqual([
    { type: "text", text },
    { type: "text", text: expect.stringMatching(/^⚠️ The provider closed the connection/) },
  ]);
});

test("a run that a client stopped says so as well", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await send(client, "r1");
  rig.call.text("Half");
  rig.call.event(undefined, BROKEN);
  await client.request("chat.abort", { sessionKey: "main", runId: "r1" });
  expect(await client.ended("r1")).toMatchObject({
    state: "aborted",
    message: { content: expect.arrayContaining([{ type: "text", text: NOTE }]) },
  });
});

test("a run whose events could all be read has no note", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await send(client, "r1");
  rig.call.text("All of it.").finish();
  expect(await client.ended("r1")).toMatchObject({ message: { content: [{ text: "All of it." }] } });
  expect(JSON.stringify(await history(client))).not.toContain("may be missing");
});

test("the result of agent has the note as well", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await client.request("agent", { message: "hello", idempotencyKey: "r1" });
  rig.call.text("Half");
  rig.call.event(undefined, BROKEN);
  rig.call.finish();
  expect(client.frames.filter(({ id }) => id === "2:agent").at(-1)).toMatchObject({
    payload: { result: { payloads: [{ text: "Half" }, { text: NOTE }] } },
  });
});
