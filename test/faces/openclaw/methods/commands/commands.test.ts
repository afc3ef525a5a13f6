import { describe, expect, test } from "@jest/globals";
import { png } from "../../../../support/browser/png.ts";
import type { ChatPayload, OpenClawClient, Payload } from "../../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../../support/openclaw/openclaw-rig.ts";

const say = (client: OpenClawClient, message: string, idempotencyKey: string, fields: object = {}): Promise<Payload> =>
  client.request("chat.send", { sessionKey: "main", message, idempotencyKey, ...fields });

let asked = 0;
/** What the gateway says to a command. */
const answerTo = async (client: OpenClawClient, message: string): Promise<string> => {
  const runId = `asked-${++asked}`;
  await say(client, message, runId);
  return textOf(await client.ended(runId));
};

const textOf = ({ message }: ChatPayload): string => message?.content.map(({ text }) => text).join("") ?? "";

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

  test("/model with an unknown model says so, and with default clears the choice", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const chosen = async () => (await client.request("sessions.describe", { key: "main" })).session;
    expect(await answerTo(client, "/model anthropic/claude")).toContain("anthropic/claude");
    expect(await answerTo(client, "/model nope")).toBe("`/model` failed: unknown model: nope.");
    expect(await chosen()).toMatchObject({ model: "claude" });
    expect(await answerTo(client, "/model default")).toContain("openai/gpt");
    expect(await chosen()).toMatchObject({ model: "gpt", modelOverrideSource: null });
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

  test("/new with a text changes nothing, because the text would be lost", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "an answer");
    expect(await answerTo(client, "/new what is the time?")).toContain("send `/new` alone");
    expect((await history(client)).totalMessages).toBe(4);
  });

  test("/status names the model, its route, the context, the queue and the version", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await say(client, "a question", "r1");
    rig.call.text("an answer").finish({ prompt_tokens: 1_200, completion_tokens: 34 });
    await client.ended("r1");
    rig.clock.nowMs += 3_600_000 * 3 + 60_000 * 12;
    expect((await answerTo(client, "/status")).split("\n")).toEqual([
      "- Gateway: Sluice 0.0.0-test, up for 3 h 12 min",
      "- Session: `agent:main:main` (a question)",
      "- Model: `openai/gpt`, at the provider `gpt-upstream`",
      "- Route: openai (openai-chat)",
      "- Context: 1,234 of 128,000 tokens",
      "- Thinking: off",
      "- Queue: no run is active, 0 waiting",
    ]);
  });

  test("is answered at once while a run is active and others wait", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await say(client, "a long story", "r1");
    await say(client, "another", "r2");
    expect(await answerTo(client, "/status")).toContain("- Queue: a run is active, 1 waiting");
    expect(client.chat("r1").filter(({ state }) => state !== "delta")).toEqual([]);
    expect(rig.calls).toHaveLength(1);
  });

  test("/stop stops a run, also for the clients of sessions.send", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await say(client, "a long story", "r1");
    await client.request("sessions.send", { key: "main", message: "/stop", idempotencyKey: "c1" });
    expect(textOf(await client.ended("c1"))).toBe("Stopped.");
    expect(rig.call.aborted).toBe(true);
    expect(await answerTo(client, "/abort")).toBe("Nothing is running.");
  });

  test("/name shows and changes the session's name", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await answerTo(client, "/name")).toBe("This session has no name.");
    expect(await answerTo(client, "/name  The  lighthouse ")).toBe(
      "This session is called “The lighthouse” from now on.",
    );
    expect(await client.request("sessions.describe", { key: "main" })).toMatchObject({
      session: { label: "The lighthouse" },
    });
    expect(await answerTo(client, "/name")).toBe("This session is called “The lighthouse”.");
  });

  test.each([
    ["/reasoning off", "reasoningLevel", "off", "Showing the model's reasoning is off from now on."],
    ["/verbose full", "verboseLevel", "full", "Showing tool calls is full from now on."],
    ["/think: HIGH", "thinkingLevel", "high", "Thinking is high from now on."],
  ])("%s sets %s to %s", async (message, setting, level, said) => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await answerTo(client, message)).toBe(said);
    const { session } = await client.request("sessions.describe", { key: "main" });
    expect(session).toMatchObject({ [setting]: level });
    expect(await answerTo(client, message.replace(/[ :].*/, " extreme"))).toContain("There is no level");
  });

  test("/queue interrupt lets the next message stop the run; a client's own mode counts more", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await answerTo(client, "/queue interrupt")).toContain("stops the run and is answered at once (interrupt)");
    await say(client, "a long story", "r1");
    await say(client, "wait for it", "r2", { queueMode: "followup" });
    expect(rig.call.aborted).toBe(false);
    await say(client, "never mind", "r3");
    expect(await client.ended("r1")).toMatchObject({ state: "aborted" });
    expect(await answerTo(client, "/queue steer")).toContain("cannot be changed midway");
    expect(await answerTo(client, "/queue default")).toContain("waits for its turn (followup)");
  });

  test("/context estimates what the next message takes along, by part", async () => {
    await using rig = await startRig({ settings: { systemPrompt: "be brief ".repeat(40) } });
    using client = await rig.client();
    await say(client, "q".repeat(4_000), "r1");
    rig.call.text("a".repeat(8_000)).finish();
    await client.ended("r1");
    const lines = (await answerTo(client, "/context")).split("\n");
    const tokens = (line = "") => Number(/([\d,]+)(?: of 128,000 tokens|$)/.exec(line)?.[1]?.replace(",", ""));
    const [total, system, questions, files, answers] = lines.map(tokens);
    expect(system).toBeGreaterThanOrEqual(90);
    expect(questions).toBeGreaterThanOrEqual(1_000);
    expect(questions).toBeLessThan(1_050);
    expect(files).toBe(0);
    expect(answers).toBeGreaterThanOrEqual(2_000);
    expect(total).toBe(Number(system) + Number(questions) + Number(answers));
  });

  test("/context counts the files that a limit on their turns leaves, and no others", async () => {
    const attachments = [{ mimeType: "image/png", fileName: "dot.png", content: png(2, [1, 2, 3]).toString("base64") }];
    const counted = async (historyFileTurns: number): Promise<string> => {
      await using rig = await startRig({ settings: { historyFileTurns } });
      using client = await rig.client();
      for (const runId of ["r1", "r2"]) {
        await say(client, "what is it", runId, { attachments });
        rig.call.text("a dot").finish();
        await client.ended(runId);
      }
      return /Attachments: ([\d,]+)/.exec(await answerTo(client, "/context"))?.[1]?.replace(",", "") ?? "";
    };
    expect(Number(await counted(1))).toBeLessThan(Number(await counted(2)) * 0.6);
  });

  test("/usage adds up the session's and the day's calls from the ledger", async () => {
    const cell = {
      day: "2026-11-18",
      session: "agent:main:main",
      route: "openai",
      model: "gpt",
      streams: 2,
      failed: 0,
    };
    const tokens = { input: 1_500, output: 300, cacheRead: 500, cacheWrite: 0, costNano: 2_100_000, unpriced: 0 };
    const cells = [{ ...cell, ...tokens, firstAt: 0, lastAt: 0 }];
    const queries: { session?: string | undefined; caller?: string | undefined }[] = [];
    const ledger = {
      cells: async (query: { session?: string | undefined; caller?: string | undefined }) => {
        queries.push(query);
        return { cells, latencies: [] };
      },
    };
    await using rig = await startRig({ ledger });
    using client = await rig.client();
    const line = "2 calls, 2,000 tokens in (500 from the cache), 300 out, cost 0.0021";
    expect(await answerTo(client, "/usage")).toBe(
      `- This session: ${line}\n- Today (UTC), all sessions and calls: ${line}`,
    );
    expect(queries).toMatchObject([{ session: "agent:main:main" }, { session: undefined }]);
  });

  test("/whoami says as whom the gateway knows the client", async () => {
    await using rig = await startRig({ token: "secret" });
    using client = await rig.client();
    expect(await answerTo(client, "/whoami")).toBe(
      "- Caller: token (no gateway key)\n- Client: gateway-client 1\n- Scopes: operator.admin",
    );
  });

  test("with an attachment is not answered, and the attachment goes nowhere", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const attachments = [{ type: "image", mimeType: "image/png", content: "AAAA" }];
    await say(client, "/status", "c1", { attachments });
    expect(textOf(await client.ended("c1"))).toContain("takes no attachments");
    expect(rig.calls).toHaveLength(0);
  });

  test("each is listed for menus", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const { commands } = await client.request("commands.list", { scope: "text" });
    expect((commands as { name: string }[]).map(({ name }) => name)).toEqual([
      ...["help", "status", "new", "stop", "name", "model"],
      ...["think", "reasoning", "verbose", "queue", "btw", "context", "usage", "whoami"],
    ]);
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
