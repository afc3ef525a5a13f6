import { describe, expect, test } from "@jest/globals";
import type { OpenClawClient, Payload } from "../../../support/openclaw-client.ts";
import { type Rig, startRig } from "../../../support/openclaw-rig.ts";

const say = (client: OpenClawClient, message: string, idempotencyKey: string, fields: object = {}): Promise<Payload> =>
  client.request("chat.send", { sessionKey: "main", message, idempotencyKey, ...fields });

const talk = async (rig: Rig, client: OpenClawClient, runId: string, answer: string): Promise<void> => {
  await say(client, `say ${runId}`, runId);
  rig.call.text(answer).finish();
  await client.ended(runId);
};

const history = (client: OpenClawClient): Promise<Payload> => client.request("chat.history", { sessionKey: "main" });

describe("a command", () => {
  test("/model names the models, and chooses one for the session", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await say(client, "/model", "c1")).toEqual({ runId: "c1", status: "started" });
    expect(JSON.stringify(await client.ended("c1"))).toContain("openai/gpt");
    await say(client, "/model anthropic/claude", "c2");
    await client.ended("c2");
    const { session } = await client.request("sessions.describe", { key: "main" });
    expect(session).toMatchObject({ modelProvider: "anthropic", model: "claude", modelOverrideSource: "user" });
    expect(rig.calls).toHaveLength(0);
  });

  test("/model with an unknown model is refused", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(
      (await client.refusal("chat.send", { sessionKey: "main", message: "/model nope", idempotencyKey: "c" })).message,
    ).toBe("unknown model: nope");
  });

  test("/think sets the level that is sent upstream", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await say(client, "/think high", "c1");
    await client.ended("c1");
    await say(client, "now think", "r1");
    expect(rig.call.body).toMatchObject({ reasoning_effort: "high" });
  });

  test("/new restarts the conversation, once for each idempotency key", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "an answer");
    const before = (await history(client)).sessionId;
    await say(client, "/new", "c1");
    await client.ended("c1");
    const { messages, sessionId } = await history(client);
    expect(sessionId).not.toBe(before);
    expect(messages).toMatchObject([{ content: "/new" }, { role: "assistant" }]);
    await talk(rig, client, "r2", "another answer");
    expect(await say(client, "/new", "c1")).toEqual({ runId: "c1", status: "ok" });
    expect((await history(client)).totalMessages).toBe(4);
  });

  test("and its answer are not sent upstream", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await say(client, "/model", "c1");
    await client.ended("c1");
    await say(client, "a question", "r1");
    expect(rig.call.body.messages).toEqual([{ role: "user", content: "a question" }]);
  });

  test.each([
    ["words that only begin like one", "/model\nis a word in my text", {}],
    ["an unknown one", "/etc/hosts is a file", {}],
    ["one that is to be taken as text", "/new", { suppressCommandInterpretation: true }],
  ])("%s are for the model", async (_, message, fields) => {
    await using rig = await startRig();
    using client = await rig.client();
    await say(client, message, "r1", fields);
    expect(rig.call.body.messages).toEqual([{ role: "user", content: message }]);
  });

  test("each is listed for menus", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const { commands } = await client.request("commands.list", { scope: "text" });
    expect((commands as { name: string }[]).map(({ name }) => name)).toEqual(["new", "model", "think", "stop"]);
  });
});

describe("a message sent during a run", () => {
  test("interrupts the run if it asks to", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await say(client, "a long story", "r1");
    const first = rig.call.text("once upon");
    await say(client, "never mind", "r2", { queueMode: "interrupt" });
    expect(first.aborted).toBe(true);
    expect(await client.ended("r1")).toMatchObject({ state: "aborted" });
    await client.until(() => rig.calls.length === 2);
    rig.call.text("all right").finish();
    expect(await client.ended("r2")).toMatchObject({ state: "final" });
  });

  test.each(["steer", "followup", "collect"])("waits its turn in mode %s", async (queueMode) => {
    await using rig = await startRig();
    using client = await rig.client();
    await say(client, "a long story", "r1");
    await say(client, "and then?", "r2", { queueMode });
    expect(rig.calls).toHaveLength(1);
    expect(await history(client)).toMatchObject({
      pendingInputs: { total: 1, items: [{ runId: "r2", state: "queued" }] },
    });
  });
});

describe("a conversation", () => {
  test("is found by the words in it", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "The Lighthouse stands on a rock");
    expect(await client.request("sessions.search", { query: "lighthouse" })).toMatchObject({
      results: [{ sessionKey: "agent:main:main", role: "assistant", snippet: "The Lighthouse stands on a rock" }],
      sessions: [{ key: "agent:main:main" }],
    });
    expect(await client.request("sessions.search", { query: "harbour" })).toEqual({ results: [], sessions: [] });
  });

  test("can be forked: the copy continues from there, and the original does not change", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "the first answer");
    const { key } = await client.request("sessions.create", { parentSessionKey: "main", fork: true });
    await client.request("chat.send", { sessionKey: key, message: "and then?", idempotencyKey: "r2" });
    expect(rig.call.body.messages).toMatchObject([{ content: "say r1" }, { content: "the first answer" }, {}]);
    rig.call.text("the second").finish();
    await client.ended("r2");
    expect((await history(client)).totalMessages).toBe(2);
    expect(await client.request("sessions.list")).toMatchObject({ count: 2 });
  });

  test("keeps its place in the list when its settings change", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "an answer");
    const updated = async () => {
      const { session } = await client.request("sessions.describe", { key: "main" });
      return (session as Payload).updatedAt;
    };
    const before = await updated();
    rig.clock.nowMs += 60_000;
    await client.request("sessions.patch", { key: "main", unread: false, pinned: true, label: "Mine" });
    expect(await updated()).toBe(before);
  });
});
