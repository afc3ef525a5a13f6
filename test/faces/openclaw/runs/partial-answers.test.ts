import { setImmediate as immediate } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import type { TranscriptMessage, Transcripts } from "../../../../src/core/ports/transcripts.ts";
import { PartialAnswers } from "../../../../src/faces/openclaw/runs/partial-answers.ts";
import { Run } from "../../../../src/faces/openclaw/runs/run.ts";
import { Session } from "../../../../src/faces/openclaw/sessions/session.ts";
import { createMemoryTranscripts } from "../../../../src/storage/transcripts/memory-transcripts.ts";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../support/openclaw/openclaw-rig.ts";
import { model, route } from "../../../support/relay/routes.ts";

const KEY = "agent:main:main";
const INTERRUPTED = { type: "text", text: "⚠️ The gateway stopped in the middle of this answer." };
const textOf = ({ content }: TranscriptMessage): string =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");

/** A store that says when an answer of at least this text is in it. */
function watchedStore() {
  const store = createMemoryTranscripts();
  const waiting = new Set<() => void>();
  const transcripts: Transcripts = {
    sessions: () => store.sessions(),
    session: (key) => store.session(key),
    saveSession: (session) => store.saveSession(session),
    deleteSession: (key) => store.deleteSession(key),
    messages: (key) => store.messages(key),
    message: (key, id) => store.message(key, id),
    clear: (key) => store.clear(key),
    documents: (kind) => store.documents(kind),
    document: (kind, key) => store.document(kind, key),
    claim: (kind, which) => store.claim(kind, which),
    async release() {},
    follow: () => () => {},
    hurry: () => () => {},
    saveDocument: (kind, key, value) => store.saveDocument(kind, key, value),
    deleteDocument: (kind, key) => store.deleteDocument(kind, key),
    close: () => store.close(),
    async append(key, messages) {
      await store.append(key, messages);
      for (const look of waiting) look();
    },
  };
  const untilStored = async (text: string) => {
    while (!(await store.messages(KEY)).some((message) => message.role === "assistant" && textOf(message) === text)) {
      await new Promise<void>((resolve) => waiting.add(resolve));
    }
  };
  return { store, transcripts, untilStored };
}

/** What a gateway finds that starts over what this store holds now, as after a kill. */
async function afterKill(store: Transcripts): Promise<{ readonly rig: Rig; readonly client: OpenClawClient }> {
  const copy = createMemoryTranscripts();
  for (const session of await store.sessions()) await copy.saveSession(session);
  await copy.append(KEY, await store.messages(KEY));
  const rig = await startRig({ transcripts: copy });
  return { rig, client: await rig.client() };
}

const send = (client: OpenClawClient, message: string, idempotencyKey: string) =>
  client.request("chat.send", { sessionKey: "main", message, idempotencyKey });
const history = async (client: OpenClawClient) =>
  (await client.request("chat.history", { sessionKey: "main" })).messages;

const row = async (client: OpenClawClient) => (await client.request("sessions.describe", { key: "main" })).session;

describe("a gateway that is killed in mid-answer", () => {
  test("shows the streamed text as interrupted after its restart, and answers the next message", async () => {
    const { store, transcripts, untilStored } = watchedStore();
    await using rig = await startRig({ transcripts, settings: { partialMs: 1 } });
    using client = await rig.client();
    await send(client, "Tell me a story", "r1");
    rig.call.text("Once upon");
    rig.clock.nowMs += 1;
    await untilStored("Once upon");
    rig.call.text(" a time");
    rig.clock.nowMs += 1;
    await untilStored("Once upon a time");
    expect(await row(client)).toMatchObject({ status: "running" });
    expect(await row(client)).not.toHaveProperty("lastRunError");
    const { rig: later, client: again } = await afterKill(store);
    await using _ = later;
    expect(await row(again)).toMatchObject({
      status: "failed",
      lastRunId: "r1",
      lastRunError: "The gateway stopped in the middle of this answer.",
    });
    expect(await history(again)).toMatchObject([
      { role: "user", content: "Tell me a story" },
      {
        role: "assistant",
        content: [{ type: "text", text: "Once upon a time" }, INTERRUPTED],
        stopReason: "error",
        errorMessage: "The gateway stopped in the middle of this answer.",
      },
    ]);
    await send(again, "Tell me a story", "r2");
    later.call.text("Once more").finish();
    expect(await again.ended("r2")).toMatchObject({ state: "final" });
    expect(
      await again.refusal("chat.send", { sessionKey: "main", message: "Tell me a story", idempotencyKey: "r1" }),
    ).toMatchObject({ message: "The gateway stopped in the middle of this answer." });
    again[Symbol.dispose]();
  });

  test("shows an interrupted answer even if no text had arrived", async () => {
    const { store, transcripts, untilStored } = watchedStore();
    await using rig = await startRig({ transcripts });
    using client = await rig.client();
    await send(client, "Tell me a story", "r1");
    await untilStored("");
    const { rig: later, client: again } = await afterKill(store);
    await using _ = later;
    expect(await history(again)).toMatchObject([
      { role: "user" },
      { role: "assistant", content: [INTERRUPTED], errorMessage: "The gateway stopped in the middle of this answer." },
    ]);
    again[Symbol.dispose]();
  });
});

test("a question is never stored without the beginning of its answer, though the answer before it is still on its way", async () => {
  const store = createMemoryTranscripts();
  const calls: string[][] = [];
  const gate = Promise.withResolvers<void>();
  const append = store.append.bind(store);
  store.append = async (key, messages) => {
    calls.push(messages.map(({ role, runId }) => `${role} ${runId}`));
    await gate.promise;
    await append(key, messages);
  };
  await using rig = await startRig({ transcripts: store, durable: true });
  using client = await rig.client();
  await send(client, "one", "r1");
  await send(client, "two", "r2");
  rig.call.text("Hi").finish();
  await client.until(() => rig.calls.length === 2);
  await client.request("chat.send", { sessionKey: "main", message: "/help", idempotencyKey: "r3" });
  expect(calls).toEqual([
    ["user r1", "assistant r1"],
    ["assistant r1"],
    ["user r2", "assistant r2"],
    ["user r3", "assistant r3"],
  ]);
  gate.resolve();
});

test("a question that the store refused is stored with the next state of its answer", async () => {
  const { store, transcripts, untilStored } = watchedStore();
  const append = transcripts.append.bind(transcripts);
  transcripts.append = async () => {
    transcripts.append = append;
    throw new GatewayError("store_unavailable");
  };
  await using rig = await startRig({ transcripts, settings: { partialMs: 1 } });
  using client = await rig.client();
  await send(client, "hello", "r1");
  rig.call.text("Hi");
  rig.clock.nowMs += 1;
  await untilStored("Hi");
  expect((await store.messages(KEY)).map(({ role }) => role)).toEqual(["user", "assistant"]);
});

test("a complete answer replaces its beginning in the store, under the same id", async () => {
  const { store, transcripts, untilStored } = watchedStore();
  await using rig = await startRig({ transcripts, settings: { partialMs: 1 } });
  using client = await rig.client();
  await send(client, "hello", "r1");
  rig.call.text("Hi");
  rig.clock.nowMs += 1;
  await untilStored("Hi");
  const beginning = (await store.messages(KEY)).at(-1);
  rig.call.text(" there").finish();
  await client.ended("r1");
  await untilStored("Hi there");
  expect(await store.messages(KEY)).toMatchObject([
    { role: "user", seq: 1 },
    { role: "assistant", seq: 2, id: beginning?.id, content: [{ type: "text", text: "Hi there" }], stopReason: "stop" },
  ]);
  expect((await store.messages(KEY)).at(-1)).not.toHaveProperty("failure");
});

test("a session that is reset in mid-answer keeps nothing of it", async () => {
  const { store, transcripts, untilStored } = watchedStore();
  await using rig = await startRig({ transcripts, settings: { partialMs: 1 } });
  using client = await rig.client();
  await send(client, "hello", "r1");
  rig.call.text("Hi");
  rig.clock.nowMs += 1;
  await untilStored("Hi");
  await client.request("sessions.reset", { key: "main" });
  await rig.face.close();
  expect(await store.messages(KEY)).toEqual([]);
});

describe("one pass over the running answers", () => {
  const session = new Session({ key: KEY, sessionId: "s", agentId: "main", createdAt: 1, updatedAt: 1, settings: {} });
  const runOf = (runId: string) =>
    new Run({
      identity: { runId, sessionKey: KEY, agentId: "main" },
      answerId: runId,
      model: model("gpt", route("openai", "openai-chat")),
      now: () => 1,
      agentCaller: undefined,
      ended() {},
      fault() {},
    });

  test("stores the answers that have grown, 512 KiB at most; the others come first in the next", async () => {
    const stored: string[] = [];
    const clock = { nowMs: 0, now: () => clock.nowMs, wall: () => clock.nowMs };
    const partials = new PartialAnswers({ savePartial: (_, { id }) => void stored.push(id) }, clock, 1_000);
    partials.close();
    const runs = ["a", "b", "c", "idle"].map(runOf);
    for (const run of runs) partials.begin(run, session);
    await immediate();
    expect(stored.splice(0)).toEqual(["a", "b", "c", "idle"]);
    for (const run of runs.slice(0, 3)) run.content.add({ text: "x".repeat(300_000) });
    partials.pass();
    expect(stored).toEqual([]);
    clock.nowMs = 500;
    partials.pass();
    expect(stored.splice(0)).toEqual(["a", "b"]);
    runs[0]?.content.add({ text: "more" });
    clock.nowMs = 999;
    partials.pass();
    expect(stored.splice(0)).toEqual(["c"]);
    clock.nowMs = 1_000;
    partials.pass();
    expect(stored.splice(0)).toEqual(["a"]);
    clock.nowMs = 9_000;
    partials.pass();
    expect(stored).toEqual([]);
    for (const run of runs) partials.end(run);
    runs[0]?.content.add({ text: "late" });
    partials.pass();
    expect(stored).toEqual([]);
  });

  test("comes to an answer that grows within three quarters of the time that a kill may take", () => {
    let stored = 0;
    const clock = { nowMs: 0, now: () => clock.nowMs, wall: () => clock.nowMs };
    const partials = new PartialAnswers({ savePartial: () => void stored++ }, clock, 1_000);
    partials.close();
    const run = runOf("a");
    partials.begin(run, session);
    stored = 0;
    // Passes come every quarter of it, a little late.
    for (const ms of [251, 502, 753, 1_004, 1_255]) {
      run.content.add({ text: "x" });
      clock.nowMs = ms;
      partials.pass();
    }
    expect(stored).toBe(2);
  });

  test("stores 64 answers at most", async () => {
    let stored = 0;
    const clock = { nowMs: 0, now: () => clock.nowMs, wall: () => clock.nowMs };
    const partials = new PartialAnswers({ savePartial: () => void stored++ }, clock, 1_000);
    partials.close();
    const runs = Array.from({ length: 100 }, (_, index) => runOf(String(index)));
    for (const run of runs) partials.begin(run, session);
    await immediate();
    for (const run of runs) run.content.add({ text: "x" });
    clock.nowMs = 1_000;
    stored = 0;
    partials.pass();
    expect(stored).toBe(64);
    partials.pass();
    expect(stored).toBe(100);
  });
});

test("a failed turn leaves the figures of how full the context is", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  const figures = () => row(client);
  await send(client, "hello", "r1");
  rig.call.text("Hi").finish();
  await client.ended("r1");
  expect(await figures()).toMatchObject({ totalTokens: 15, inputTokens: 10, outputTokens: 5 });
  await send(client, "again", "r2");
  rig.call.fail(new GatewayError("upstream_http_error", "no", { details: { status: 401 } }));
  await client.ended("r2");
  expect(await figures()).toMatchObject({ totalTokens: 15, inputTokens: 10, outputTokens: 5, status: "failed" });
});
