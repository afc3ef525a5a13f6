import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import type { Transcripts } from "../../../../src/core/ports/transcripts.ts";
import { createMemoryTranscripts } from "../../../../src/storage/transcripts/memory-transcripts.ts";
import type { OpenClawClient, Payload } from "../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../support/openclaw/openclaw-rig.ts";

const talk = async (rig: Rig, client: OpenClawClient, runId: string, answer: string, key = "main"): Promise<void> => {
  await client.request("chat.send", { sessionKey: key, message: `say ${runId}`, idempotencyKey: runId });
  rig.call.text(answer).finish();
  await client.ended(runId);
};

const history = (client: OpenClawClient, fields: object = {}): Promise<Payload> =>
  client.request("chat.history", { sessionKey: "main", ...fields });

describe("a session key", () => {
  for (const key of ["main", "MAIN", "agent:main:main", "agent:MAIN:main", " main "]) {
    test(`${JSON.stringify(key)} is the main session`, async () => {
      await using rig = await startRig();
      using client = await rig.client();
      expect(await history(client, { sessionKey: key })).toMatchObject({ sessionKey: "agent:main:main" });
    });
  }

  test("any other short one belongs to the same agent", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await history(client, { sessionKey: "Notes:1" })).toMatchObject({ sessionKey: "agent:main:Notes:1" });
    expect(await client.refusal("chat.history", { sessionKey: "agent:" })).toMatchObject({
      message: "invalid session key",
    });
  });
});

describe("a history", () => {
  test("of a session that has not begun is empty and does not create it", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const empty = await history(client);
    expect(empty).toMatchObject({
      messages: [],
      hasMore: false,
      totalMessages: 0,
      defaults: { modelProvider: "openai", model: "gpt", contextTokens: 128_000 },
      sessionInfo: { key: "agent:main:main", isMain: true, hasActiveRun: false, updatedAt: null },
    });
    expect(empty).not.toHaveProperty("sessionId");
    expect(await client.request("sessions.list")).toMatchObject({ count: 0 });
  });

  test("comes in pages from the newest", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (const runId of ["r1", "r2", "r3"]) await talk(rig, client, runId, `answer to ${runId}`);
    const newest = await history(client, { limit: 4 });
    expect(newest).toMatchObject({ hasMore: true, nextOffset: 4, totalMessages: 6 });
    expect(newest.messages).toMatchObject([{ content: "say r2" }, {}, { content: "say r3" }, {}]);
    const older = await history(client, { limit: 4, offset: 4 });
    expect(older).toMatchObject({ hasMore: false, messages: [{ content: "say r1" }, {}] });
    expect(older).not.toHaveProperty("nextOffset");
  });

  test("fits into the requested bytes, but has at least one message", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "x".repeat(3000));
    const page = await history(client, { maxBytes: 1024 });
    expect(page.messages).toHaveLength(1);
    expect(page).toMatchObject({ hasMore: true });
  });

  test("carries the key by which a client recognises its own bubble", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "yes");
    expect((await history(client)).messages).toMatchObject([
      {
        role: "user",
        content: "say r1",
        idempotencyKey: "r1:user",
        __openclaw: { id: expect.any(String), seq: 1, idempotencyKey: "r1:user" },
      },
      {
        role: "assistant",
        content: [{ type: "text", text: "yes" }],
        provider: "openai",
        model: "gpt",
        stopReason: "stop",
        usage: { input: 10, output: 5, totalTokens: 15 },
        __openclaw: { seq: 2, runId: "r1" },
      },
    ]);
  });

  test("is the same after a restart", async () => {
    await using first = await startRig();
    using client = await first.client();
    await talk(first, client, "r1", "yes");
    await client.request("sessions.patch", { key: "main", label: "Talk", model: "claude" });
    const before = await history(client);
    await using rig = await first.restart();
    using later = await rig.client();
    const after = await history(later);
    expect(after.messages).toEqual(before.messages);
    expect(after.sessionId).toBe(before.sessionId);
    expect(after.sessionInfo).toMatchObject({
      label: "Talk",
      modelProvider: "anthropic",
      model: "claude",
      status: "done",
    });
  });

  test("is sent upstream with the next message, its newest part", async () => {
    await using rig = await startRig({ settings: { historyMessages: 3 } });
    using client = await rig.client();
    for (const runId of ["r1", "r2"]) await talk(rig, client, runId, `answer ${runId}`);
    await client.request("chat.send", { sessionKey: "main", message: "third", idempotencyKey: "r3" });
    expect(rig.call.body.messages).toMatchObject([
      { role: "user", content: "say r2" },
      { role: "assistant", content: "answer r2" },
      { role: "user", content: "third" },
    ]);
  });
});

describe("the list of sessions", () => {
  test("has the newest first, with a title and a preview", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "one", "first");
    rig.clock.nowMs += 1000;
    await talk(rig, client, "r2", "two", "second");
    const list = await client.request("sessions.list", {
      includeDerivedTitles: true,
      includeLastMessage: true,
      limit: 50,
    });
    expect(list).toMatchObject({
      count: 2,
      hasMore: false,
      nextOffset: null,
      sessions: [
        { key: "agent:main:second", derivedTitle: "say r2", lastMessagePreview: "two", status: "done", unread: true },
        { key: "agent:main:first", derivedTitle: "say r1", lastMessagePreview: "one", totalTokens: 15 },
      ],
    });
  });

  test("can be paged, searched and filtered", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (const key of ["a", "b", "c"]) {
      rig.clock.nowMs += 60_000;
      await client.request("sessions.create", { key, label: `Label ${key}` });
    }
    await client.request("sessions.patch", { key: "b", pinned: true });
    await client.request("sessions.patch", { key: "c", archived: true });
    const keys = async (params: object) => {
      const { sessions } = (await client.request("sessions.list", params)) as { sessions: { label: string }[] };
      return sessions.map(({ label }) => label.slice(-1)).sort();
    };
    expect(await keys({})).toEqual(["a", "b"]);
    expect(await keys({ archived: true })).toEqual(["c"]);
    expect(await keys({ archived: "all" })).toEqual(["a", "b", "c"]);
    expect(await keys({ pinned: true })).toEqual(["b"]);
    expect(await keys({ search: "LABEL A" })).toEqual(["a"]);
    expect(await keys({ label: "Label b" })).toEqual(["b"]);
    expect(await keys({ activeMinutes: 1, archived: "all" })).toEqual(["b", "c"]);
    expect(await keys({ spawnedBy: "agent:main:a" })).toEqual([]);
    expect(await keys({ agentId: "other" })).toEqual([]);
    expect(await client.request("sessions.list", { limit: 1 })).toMatchObject({
      count: 1,
      nextOffset: 1,
      hasMore: true,
    });
    expect(await client.request("sessions.list", { limit: 1, offset: 1 })).toMatchObject({ nextOffset: null });
  });

  test("tells its subscribers about changes", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    using other = await rig.client();
    expect(await client.request("sessions.subscribe", {})).toEqual({ subscribed: true });
    await talk(rig, other, "r1", "yes");
    await other.request("sessions.patch", { key: "main", label: "Talk" });
    expect(client.payloads("sessions.changed").map(({ reason, session }) => [reason, session])).toMatchObject([
      ["send", { hasActiveRun: true, status: "running", activeRunIds: ["r1"] }],
      ["agent.input.settled", { hasActiveRun: false, status: "done" }],
      ["patch", { label: "Talk" }],
    ]);
    expect(other.payloads("sessions.changed")).toEqual([]);
  });

  test("comes with the subscription on request", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await client.request("sessions.subscribe", { limit: 10 })).toMatchObject({ list: { count: 0 } });
  });
});

describe("messages of a session", () => {
  test("reach its subscribers until they unsubscribe", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const subscribed = await client.request("sessions.messages.subscribe", { key: "main", includeApprovals: true });
    expect(subscribed).toMatchObject({
      subscribed: true,
      key: "agent:main:main",
      approvalReplay: { sessionKey: "agent:main:main", approvals: [], truncated: false },
    });
    await talk(rig, client, "r1", "yes");
    await talk(rig, client, "r2", "elsewhere", "other");
    expect(client.payloads("session.message")).toMatchObject([
      { messageSeq: 1, message: { role: "user", content: "say r1" } },
      { messageSeq: 2, message: { role: "assistant", content: [{ text: "yes" }] } },
    ]);
    expect(await client.request("sessions.messages.unsubscribe", { key: "main" })).toEqual({
      subscribed: false,
      key: "agent:main:main",
    });
    await talk(rig, client, "r3", "unheard");
    expect(client.payloads("session.message")).toHaveLength(2);
  });

  test("can be read as previews and by session", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "a long answer that is cut");
    await client.request("sessions.create", { key: "empty" });
    const { previews } = await client.request("sessions.preview", { keys: ["main", "empty", "none"], maxChars: 20 });
    expect(previews).toEqual([
      {
        key: "main",
        status: "ok",
        items: [
          { role: "user", text: "say r1" },
          { role: "assistant", text: "a long answer that i" },
        ],
      },
      { key: "empty", status: "empty", items: [] },
      { key: "none", status: "missing", items: [] },
    ]);
    expect(await client.request("sessions.get", { key: "main", limit: 1 })).toMatchObject({
      messages: [{ role: "assistant" }],
    });
  });

  test("can be added by an operator", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const { messageId } = await client.request("chat.inject", {
      sessionKey: "main",
      message: "Note this.",
      label: "ops",
    });
    expect(client.payloads("chat")).toMatchObject([
      {
        runId: `inject-${String(messageId)}`,
        seq: 0,
        state: "final",
        message: { content: [{ text: "[ops]\n\nNote this." }] },
      },
    ]);
    expect(await history(client)).toMatchObject({ messages: [{ role: "assistant", model: "gateway-injected" }] });
  });
});

describe("a session", () => {
  test("is found by key, id and label", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const { sessionId } = await client.request("sessions.create", { key: "notes", label: "Notes" });
    const found = { ok: true, key: "agent:main:notes", agentId: "main" };
    for (const by of [{ key: "notes" }, { sessionId }, { label: "Notes" }]) {
      expect(await client.request("sessions.resolve", by)).toEqual(found);
    }
    expect(await client.request("sessions.resolve", { key: "none", allowMissing: true })).toEqual({ ok: false });
    expect(await client.refusal("sessions.resolve", { key: "none" })).toMatchObject({ message: "no such session" });
    expect(await client.request("sessions.describe", { key: "notes" })).toMatchObject({ session: { label: "Notes" } });
    expect(await client.request("sessions.describe", { key: "none" })).toEqual({ session: null });
  });

  test("can be created with a message, which starts a run", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const made = await client.request("sessions.create", { message: "begin", model: "anthropic/claude", label: "New" });
    expect(made).toMatchObject({
      ok: true,
      key: expect.stringMatching(/^agent:main:dashboard:/),
      runStarted: true,
      resolved: { modelProvider: "anthropic", model: "claude" },
      entry: { label: "New" },
    });
    expect(rig.call.request.route).toBe("anthropic");
    await client.until(() => client.payloads("chat").some(({ runId }) => runId === made.runId));
  });

  test("is created once for one idempotency key", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const params = { message: "begin", idempotencyKey: "k" };
    const { key } = await client.request("sessions.create", params);
    expect(await client.request("sessions.create", params)).toMatchObject({ key, runId: "k", runStarted: true });
    expect(rig.calls).toHaveLength(1);
    expect(await client.request("sessions.list")).toMatchObject({ count: 1, sessions: [{ key }] });
  });

  for (const kind of ["incognito", "worktree"]) {
    test(`cannot be ${kind}, and is not quietly made otherwise`, async () => {
      await using rig = await startRig();
      using client = await rig.client();
      expect(await client.refusal("sessions.create", { [kind]: true })).toMatchObject({
        details: { code: "unsupported" },
      });
      expect(await client.request("sessions.list")).toMatchObject({ count: 0 });
    });
  }

  test("keeps its model until it is cleared", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const patched = await client.request("sessions.patch", {
      key: "main",
      model: "anthropic/claude",
      thinkingLevel: "low",
    });
    expect(patched).toMatchObject({ resolved: { modelProvider: "anthropic", model: "claude" } });
    await client.request("chat.send", { sessionKey: "main", message: "hi", idempotencyKey: "r1" });
    expect(rig.call.request.route).toBe("anthropic");
    expect(await history(client)).toMatchObject({
      thinkingLevel: "low",
      sessionInfo: { model: "claude", modelOverrideSource: "user", thinkingLevel: "low" },
    });
    const cleared = await client.request("sessions.patch", { key: "main", model: null, thinkingLevel: null });
    expect(cleared).toMatchObject({ resolved: { model: "gpt" } });
    expect(cleared.entry).not.toHaveProperty("model");
    expect(await client.refusal("sessions.patch", { key: "main", model: "openai/none" })).toMatchObject({
      message: "unknown model: openai/none",
    });
  });

  test("is marked as read by the Control UI's request", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "yes");
    const read = { key: "agent:main:main", agentId: "main", unread: false, expectedMarkedUnreadAt: null };
    expect(await client.request("sessions.patch", read)).toMatchObject({ ok: true, entry: { unread: false } });
  });

  test("is empty after a reset, which stops its run", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "yes");
    const before = await history(client);
    await client.request("chat.send", { sessionKey: "main", message: "more", idempotencyKey: "r2" });
    await client.request("sessions.reset", { key: "main", reason: "new" });
    expect(rig.call.aborted).toBe(true);
    const after = await history(client);
    expect(after).toMatchObject({ messages: [], totalMessages: 0 });
    expect(after.sessionId).not.toBe(before.sessionId);
    expect(await client.refusal("sessions.reset", { key: "main", expectedSessionId: before.sessionId })).toMatchObject({
      message: "session changed",
    });
    await using again = await rig.restart();
    using later = await again.client();
    expect(await history(later)).toMatchObject({ messages: [], sessionId: after.sessionId });
  });

  test("can be deleted, but not the main one", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await talk(rig, client, "r1", "yes", "notes");
    expect(await client.request("sessions.delete", { key: "notes" })).toEqual({
      ok: true,
      key: "agent:main:notes",
      deleted: true,
      archived: [],
    });
    expect(await client.request("sessions.delete", { key: "notes" })).toMatchObject({ deleted: false });
    expect(await client.refusal("sessions.delete", { key: "main" })).toMatchObject({
      code: "INVALID_REQUEST",
      message: "Cannot delete the main session (agent:main:main).",
    });
    expect(await rig.transcripts.messages("agent:main:notes")).toEqual([]);
  });

  test("is not compacted, and the reason is given", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await client.request("sessions.compact", { key: "main" })).toMatchObject({ ok: true, compacted: false });
  });

  test("can be written to by sessions.send, without an idempotency key", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const { runId, status } = await client.request("sessions.send", { key: "main", message: "hello" });
    expect(status).toBe("started");
    rig.call.text("hi").finish();
    expect(client.textOf(String(runId))).toBe("hi");
  });
});

describe("a store that fails", () => {
  const failing = (): Transcripts & { broken: boolean } => {
    const store = createMemoryTranscripts();
    const guard =
      <Arguments extends unknown[], Result>(run: (...given: Arguments) => Promise<Result>) =>
      async (...given: Arguments): Promise<Result> => {
        if (guarded.broken) throw new GatewayError("store_unavailable");
        return run(...given);
      };
    const guarded = {
      broken: false,
      sessions: guard(() => store.sessions()),
      session: guard((key: string) => store.session(key)),
      saveSession: guard((session: Parameters<Transcripts["saveSession"]>[0]) => store.saveSession(session)),
      deleteSession: guard((key: string) => store.deleteSession(key)),
      messages: guard((key: string) => store.messages(key)),
      message: guard((key: string, id: string) => store.message(key, id)),
      append: guard((key: string, messages: Parameters<Transcripts["append"]>[1]) => store.append(key, messages)),
      clear: guard((key: string) => store.clear(key)),
      documents: guard((kind: string) => store.documents(kind)),
      document: guard((kind: string, key: string) => store.document(kind, key)),
      claim: guard((kind: string) => store.documents(kind)),
      async release() {},
      follow: () => () => {},
      hurry: () => () => {},
      saveDocument: guard((...given: Parameters<Transcripts["saveDocument"]>) => store.saveDocument(...given)),
      deleteDocument: guard((kind: string, key: string) => store.deleteDocument(kind, key)),
      close: () => store.close(),
    };
    return guarded;
  };

  test("does not stop a conversation, and gets the messages it missed when it works again", async () => {
    const transcripts = failing();
    await using rig = await startRig({ transcripts });
    using client = await rig.client();
    transcripts.broken = true;
    await talk(rig, client, "r1", "not stored yet");
    await client.until(() => rig.faults.length > 0);
    transcripts.broken = false;
    await talk(rig, client, "r2", "stored");
    await using again = await rig.restart();
    using later = await again.client();
    expect(await history(later)).toMatchObject({ totalMessages: 4 });
  });

  test("that cannot be read fails the request, and is read again for the next one", async () => {
    const transcripts = failing();
    await using first = await startRig({ transcripts });
    using client = await first.client();
    await talk(first, client, "r1", "yes");
    await using rig = await first.restart();
    using later = await rig.client();
    transcripts.broken = true;
    expect(await later.refusal("chat.history", { sessionKey: "main" })).toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
      details: { code: "store_unavailable" },
    });
    transcripts.broken = false;
    expect(await history(later)).toMatchObject({ totalMessages: 2 });
  });
});
