import { setImmediate as immediate } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { type GatewayKey, KeyRing } from "../../../../src/core/caller/key-ring.ts";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import type { Transcripts } from "../../../../src/core/ports/transcripts.ts";
import { createMemoryTranscripts } from "../../../../src/storage/transcripts/memory-transcripts.ts";
import { Lockout } from "../../../../src/transport/admit/lockout.ts";
import { createAuthenticator } from "../../../../src/transport/auth/authenticator.ts";
import { freshSecret, keyFor } from "../../../support/gateways/gateway-key.ts";
import { turnsUntil } from "../../../support/jest/turns-until.ts";
import type { OpenClawClient, Payload } from "../../../support/openclaw/openclaw-client.ts";
import { type Rig, type RigOptions, startRig } from "../../../support/openclaw/openclaw-rig.ts";

const KEY = "agent:main:main";
const KIND = "openclaw.queue";

const send = (client: OpenClawClient, runId: string, fields: object = {}): Promise<Payload> =>
  client.request("chat.send", { sessionKey: "main", message: `say ${runId}`, idempotencyKey: runId, ...fields });
const history = (client: OpenClawClient): Promise<Payload> =>
  client.request("chat.history", { sessionKey: "main", maxBytes: 1_000_000, inputRunIds: ["r1", "r2", "r3"] });
const kept = async (transcripts: Transcripts) => (await transcripts.documents(KIND)).map(({ key }) => key);

/** A durable gateway with one running message and two that wait. */
async function busyRig(options: RigOptions = {}) {
  const rig = await startRig({ durable: true, ...options });
  const client = await rig.client();
  for (const runId of ["r1", "r2", "r3"]) await send(client, runId);
  rig.call.text("Half");
  const isAnswer = ({ role }: { readonly role: string }) => role === "assistant";
  await turnsUntil(async () => (await rig.transcripts.messages(KEY)).some(isAnswer));
  return { rig, client };
}

/** A gateway over what the store holds now, as after a kill. */
async function afterKill({ transcripts }: Rig): Promise<Rig> {
  const copy = createMemoryTranscripts();
  for (const session of await transcripts.sessions()) {
    await copy.saveSession(session);
    await copy.append(session.key, await transcripts.messages(session.key));
  }
  for (const { key, value } of await transcripts.documents(KIND)) await copy.saveDocument(KIND, key, value);
  return startRig({ durable: true, transcripts: copy });
}

describe.each<readonly [string, (rig: Rig) => Promise<Rig>]>([
  ["stops", (rig) => rig.restart()],
  ["is killed", afterKill],
])("messages that wait when the gateway %s", (_, end) => {
  test("run after its start, in their order and under their own run ids, each once", async () => {
    const { rig: first } = await busyRig();
    await using rig = await end(first);
    using client = await rig.client();
    expect(rig.calls).toHaveLength(1);
    expect(await history(client)).toMatchObject({
      pendingInputs: { total: 1, items: [{ runId: "r3", state: "queued", message: { content: "say r3" } }] },
      inputReceipts: [{ runId: "r1", state: "consumed" }, { runId: "r2", state: "consumed" }, { state: "pending" }],
      sessionInfo: { status: "running", activeRunIds: ["r2", "r3"] },
    });
    rig.call.text("two").finish();
    await client.ended("r2");
    await client.until(() => rig.calls.length === 2);
    rig.call.text("three").finish();
    await client.ended("r3");
    const { messages } = await history(client);
    expect(messages).toMatchObject([
      { role: "user", content: "say r1" },
      { role: "assistant", stopReason: "error" },
      { role: "user", content: "say r2" },
      { role: "assistant", content: [{ text: "two" }], idempotencyKey: "r2:assistant" },
      { role: "user", content: "say r3" },
      { role: "assistant", content: [{ text: "three" }], idempotencyKey: "r3:assistant" },
    ]);
    expect(await kept(rig.transcripts)).toEqual([]);
  });

  test("are not run twice for a client that sends them again under their keys", async () => {
    const { rig: first } = await busyRig();
    await using rig = await end(first);
    using client = await rig.client();
    for (const runId of ["r2", "r3"]) expect(await send(client, runId)).toMatchObject({ status: "in_flight" });
    expect(rig.calls).toHaveLength(1);
    expect(
      await client.refusal("chat.send", { sessionKey: "main", message: "else", idempotencyKey: "r3" }),
    ).toMatchObject({
      message: "the idempotency key was used for another request",
    });
  });

  test("can be taken back afterwards, for good", async () => {
    const { rig: first } = await busyRig();
    await using rig = await end(first);
    using client = await rig.client();
    expect(await client.request("chat.abort", { sessionKey: "main" })).toMatchObject({ runIds: ["r3", "r2"] });
    expect(await client.ended("r3")).toMatchObject({ state: "aborted" });
    expect(await kept(rig.transcripts)).toEqual([]);
    await using later = await end(rig);
    expect(later.calls).toHaveLength(0);
  });
});

test("a run that has begun is not started again, though its message is still kept", async () => {
  const { rig: first } = await busyRig();
  await using rig = await afterKill(first);
  const [message] = await first.transcripts.documents(KIND);
  await rig.transcripts.saveDocument(KIND, message?.key ?? "", message?.value ?? null);
  await using later = await afterKill(rig);
  using client = await later.client();
  expect((await history(client)).inputReceipts).toMatchObject([
    { runId: "r1", state: "consumed" },
    { runId: "r2", state: "consumed" },
    { runId: "r3", state: "consumed" },
  ]);
  expect(later.calls).toHaveLength(1);
  const texts = JSON.stringify(later.call.body.messages).match(/say r\d/g);
  expect(texts).toEqual(["say r1", "say r2", "say r3"]);
});

test("a message that need not wait is never kept, and one that had its turn no longer", async () => {
  await using rig = await startRig({ durable: true });
  using client = await rig.client();
  await send(client, "r1");
  expect(await kept(rig.transcripts)).toEqual([]);
  await send(client, "r2");
  await send(client, "r3");
  expect(await kept(rig.transcripts)).toEqual(["r2", "r3"]);
  rig.call.text("one").finish();
  await client.until(() => rig.calls.length === 2);
  await immediate();
  expect(await kept(rig.transcripts)).toEqual(["r3"]);
  await client.request("sessions.delete", { key: "other" });
  await client.request("chat.abort", { sessionKey: "main", runId: "r3" });
  expect(await kept(rig.transcripts)).toEqual([]);
});

test("a message stays kept until its question is stored", async () => {
  const transcripts = createMemoryTranscripts();
  const append = transcripts.append.bind(transcripts);
  await using rig = await startRig({ durable: true, transcripts });
  using client = await rig.client();
  await send(client, "r1");
  await send(client, "r2");
  const gate = Promise.withResolvers<void>();
  transcripts.append = async (key, messages) => {
    await gate.promise;
    await append(key, messages);
  };
  rig.call.text("one").finish();
  await client.until(() => rig.calls.length === 2);
  await immediate();
  expect(await kept(transcripts)).toEqual(["r2"]);
  gate.resolve();
  await turnsUntil(async () => (await kept(transcripts)).length === 0);
  expect((await transcripts.messages(KEY)).filter(({ runId }) => runId === "r2")).toHaveLength(2);
});

test("while the gateway drains, the running answer ends and the waiting messages are left for the next start", async () => {
  const { rig: first, client } = await busyRig();
  const drained = first.relay.drain();
  first.call.finish();
  expect(await client.ended("r1")).toMatchObject({ state: "final" });
  await drained;
  expect(first.calls).toHaveLength(1);
  first.relay.stop(new GatewayError("shutting_down"));
  await using rig = await first.restart();
  using later = await rig.client();
  expect(client.chat("r2")).toEqual([]);
  expect(rig.calls).toHaveLength(1);
  expect(await history(later)).toMatchObject({ messages: [{}, { stopReason: "stop" }, { content: "say r2" }] });
});

test("an agent's message keeps its model, its prompt and its thinking level", async () => {
  await using first = await startRig({ durable: true });
  using client = await first.client();
  await send(client, "r1");
  const asked = { model: "claude", extraSystemPrompt: "Be brief.", thinking: "low", timeout: 5 };
  await client.request("agent", { message: "hello", idempotencyKey: "r2", sessionKey: "main", ...asked });
  await using rig = await first.restart();
  expect(rig.call.request.route).toBe("anthropic");
  expect(rig.call.body).toMatchObject({ system: "Be brief.", thinking: {} });
});

describe("a key that changed while its message waited", () => {
  const secret = freshSecret();
  async function keyedRig(model: string) {
    const ring = new KeyRing(() => 0);
    const replace = (more: Partial<GatewayKey>) => ring.replace([keyFor("alice", secret, more)]);
    replace({ models: [model] });
    const lockout = new Lockout({ failuresPerMinute: 3, lockoutMs: 60_000, clock: { now: () => 0, wall: () => 0 } });
    const authenticator = createAuthenticator({ token: undefined, required: false, keys: ring, lockout });
    const rig = await startRig({ durable: true, authenticator });
    const client = await rig.client({ token: secret });
    await send(client, "r1");
    await send(client, "r2");
    return { rig, replace };
  }

  test("still chooses among its own models after a restart", async () => {
    const { rig: first } = await keyedRig("claude");
    await using rig = await first.restart();
    expect(rig.call.request.route).toBe("anthropic");
  });

  test("and was revoked before the restart ends the run with the reason", async () => {
    const { rig: first, replace } = await keyedRig("claude");
    replace({ revokedAt: 1 });
    await using rig = await first.restart();
    expect(rig.calls).toHaveLength(0);
    expect((await rig.transcripts.messages(KEY)).slice(2)).toMatchObject([
      { role: "user", runId: "r2" },
      { role: "assistant", failure: { code: "unauthorized", message: "The key was revoked." } },
    ]);
    await immediate();
    expect(await kept(rig.transcripts)).toEqual([]);
  });

  test("and was revoked between the start and its turn ends the run with the reason", async () => {
    const { rig: first, replace } = await keyedRig("gpt");
    using client = await first.client({ token: secret });
    await send(client, "r3");
    await using rig = await first.restart();
    replace({ revokedAt: 1 });
    rig.call.finish();
    await immediate();
    expect((await rig.transcripts.messages(KEY)).at(-1)).toMatchObject({
      failure: { message: "The key was revoked." },
    });
    expect(rig.calls).toHaveLength(1);
  });
});

test("a kept message that cannot be read is deleted: nothing else ever would", async () => {
  const transcripts = createMemoryTranscripts();
  await transcripts.saveDocument(KIND, "r1", { from: "the future" });
  await using rig = await startRig({ durable: true, transcripts });
  using client = await rig.client();
  expect((await history(client)).pendingInputs).toMatchObject({ total: 0 });
  expect(rig.calls).toHaveLength(0);
  expect(await kept(transcripts)).toEqual([]);
});
