import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../../../src/core/kernel/errors.ts";
import { turnsUntil } from "../../../../support/jest/turns-until.ts";
import type { OpenClawClient } from "../../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../../support/openclaw/openclaw-rig.ts";

/** A session with one question and its answer. */
async function talk(rig: Rig, client: OpenClawClient): Promise<void> {
  await client.request("chat.send", { sessionKey: "main", message: "Where is Bergen?", idempotencyKey: "r1" });
  rig.call.text("In Norway").finish();
  await client.ended("r1");
}

const asking = (client: OpenClawClient, question: string) =>
  client.request("sessions.companion.ask", { sessionKey: "main", agentId: "main", question });

/** Resolves when there are this many upstream calls. */
async function calls(rig: Rig, count: number): Promise<void> {
  await turnsUntil(() => rig.calls.length >= count);
}

async function ask(rig: Rig, client: OpenClawClient, question: string, answer: string) {
  const { length } = rig.calls;
  const answered = asking(client, question);
  await calls(rig, length + 1);
  rig.call.text(answer).finish();
  return answered;
}

const exchanges = async (client: OpenClawClient) =>
  (await client.request("sessions.companion.state", { sessionKey: "main" })).exchanges;

describe("a side chat", () => {
  test("answers with the conversation as context, and leaves no trace in it", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client);
    const ts = rig.clock.nowMs;
    expect(await ask(rig, client, " Which country? ", "Norway ")).toEqual({ answer: "Norway", ts });
    expect(rig.call.body).toMatchObject({
      messages: [
        { role: "system", content: expect.stringContaining("User: Where is Bergen?\n\nAssistant: In Norway") },
        { role: "user", content: "Which country?" },
      ],
    });
    expect(await exchanges(client)).toEqual([{ question: "Which country?", answer: "Norway", ts }]);
    expect(await client.request("chat.history", { sessionKey: "main" })).toMatchObject({ totalMessages: 2 });
  });

  test("is answered while the session's run goes on", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: "r1" });
    const run = rig.call;
    await ask(rig, client, "what?", "that");
    run.text("hi").finish();
    expect(await client.ended("r1")).toMatchObject({ state: "final" });
  });

  test("remembers its own exchanges, for the next question and over a restart", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client);
    await ask(rig, client, "one?", "first");
    await ask(rig, client, "two?", "second");
    expect(rig.call.body).toMatchObject({
      messages: [{}, { content: "one?" }, { role: "assistant", content: "first" }, { content: "two?" }],
    });
    await using later = await rig.restart();
    using again = await later.client();
    expect(await exchanges(again)).toMatchObject([{ question: "one?" }, { question: "two?" }]);
  });

  test("takes one question a session at a time", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client);
    const first = asking(client, "one?");
    await calls(rig, 2);
    expect(await client.refusal("sessions.companion.ask", { sessionKey: "main", question: "two?" })).toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
      details: { code: "SESSION_COMPANION_BUSY" },
    });
    rig.call.text("first").finish();
    expect(await first).toMatchObject({ answer: "first" });
    expect(rig.calls).toHaveLength(2);
  });

  test("is cancelled and forgotten by a reset", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client);
    await ask(rig, client, "one?", "first");
    const second = client.refusal("sessions.companion.ask", { sessionKey: "main", question: "two?" });
    await calls(rig, 3);
    expect(await client.request("sessions.companion.reset", { sessionKey: "main" })).toEqual({ ok: true });
    expect(await second).toMatchObject({ message: "The Side chat request was cancelled." });
    expect(rig.call.aborted).toBe(true);
    expect(await exchanges(client)).toEqual([]);
  });

  test("ends with its conversation: a reset session begins without one", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client);
    await ask(rig, client, "one?", "first");
    await client.request("sessions.reset", { key: "main" });
    expect(await exchanges(client)).toEqual([]);
  });

  test("keeps 24 exchanges, of at most 400 and 1,200 characters", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client);
    for (let index = 0; index < 25; index++) await ask(rig, client, `question ${index}`, "x".repeat(1_300));
    const kept = (await exchanges(client)) as { question: string; answer: string }[];
    expect(kept).toHaveLength(24);
    expect(kept[0]?.question).toBe("question 1");
    expect(kept[0]?.answer).toBe(`${"x".repeat(1_199)}…`);
    const question = "x".repeat(401);
    expect(await client.refusal("sessions.companion.ask", { sessionKey: "main", question })).toMatchObject({
      code: "INVALID_REQUEST",
    });
  });

  test("about a session that is not there is refused without a call", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await client.refusal("sessions.companion.ask", { sessionKey: "gone", question: "what?" })).toMatchObject({
      details: { reason: "session-missing" },
    });
    expect(rig.calls).toHaveLength(0);
  });

  test("sends at most 24,000 characters of the conversation", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("chat.send", { sessionKey: "main", message: "long", idempotencyKey: "r1" });
    rig.call.text("y".repeat(60_000)).finish();
    await client.ended("r1");
    await ask(rig, client, "what?", "that");
    const { messages } = rig.call.body as { messages: { content: string }[] };
    expect(messages[0]?.content.match(/y+/g)?.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(24_001);
  });

  test("asks the session's own model, for at most 2,048 tokens where its dialect names a limit", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("sessions.create", { key: "main", model: "anthropic/claude" });
    const answered = client.refusal("sessions.companion.ask", { sessionKey: "main", question: "what?" });
    await calls(rig, 1);
    expect(rig.call.body).toMatchObject({ model: "claude-upstream", max_tokens: 2_048 });
    rig.call.fail(new GatewayError("upstream_timeout"));
    expect(await answered).toMatchObject({ code: "UNAVAILABLE", details: { code: "upstream_timeout" } });
    expect(await exchanges(client)).toEqual([]);
  });
});
