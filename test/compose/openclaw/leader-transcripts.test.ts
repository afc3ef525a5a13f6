import { expect, test } from "@jest/globals";
import { LeaderTranscripts } from "../../../src/compose/openclaw/leader-transcripts.ts";
import type { SessionRecord, TranscriptMessage } from "../../../src/core/ports/transcripts.ts";
import { createMemoryTranscripts } from "../../../src/storage/transcripts/memory-transcripts.ts";

const session: SessionRecord = { key: "main", sessionId: "s", agentId: "a", createdAt: 1, updatedAt: 1, settings: {} };
const message = (id: string, text: string, seq = 1): TranscriptMessage => ({
  ...{ id, seq, role: "assistant", timestamp: 1 },
  content: [{ type: "text", text }],
});

/** A store, and what a leader writes to it that has or has not lost touch. */
function setUp() {
  const store = createMemoryTranscripts();
  const lead = { isHeld: true };
  const transcripts = new LeaderTranscripts(store, () => lead.isHeld);
  const texts = async () =>
    (await store.messages("main")).map(({ id, content: [part] }) => `${id} ${part?.type === "text" ? part.text : ""}`);
  return { store, lead, transcripts, texts };
}

/** Whether a write has ended by now. */
async function state(write: Promise<void>): Promise<"written" | "refused" | "waits"> {
  const waits = new Promise<"waits">((resolve) => setImmediate(() => setImmediate(() => resolve("waits"))));
  return Promise.race([write.then(() => "written" as const).catch(() => "refused" as const), waits]);
}

test("a leader writes at once", async () => {
  const { store, transcripts, texts } = setUp();
  await transcripts.saveSession(session);
  await transcripts.append("main", [message("m1", "hello")]);
  await transcripts.saveDocument("kind", "key", 1);
  expect([await store.sessions(), await texts(), await store.documents("kind")]).toEqual([
    [session],
    ["m1 hello"],
    [{ key: "key", value: 1 }],
  ]);
});

test("one that may have lost the lead completes the answers it had begun; all else waits until it leads again", async () => {
  const { store, lead, transcripts, texts } = setUp();
  await transcripts.append("main", [message("m1", "hel")]);
  lead.isHeld = false;
  await transcripts.append("main", [message("m1", "hello")]);
  const waiting = [
    transcripts.append("main", [message("m2", "new", 2)]),
    transcripts.saveSession(session),
    transcripts.saveDocument("kind", "key", 1),
    transcripts.saveDocument("kind", "key", 2),
  ];
  expect(await Promise.all(waiting.map(state))).toEqual(["waits", "waits", "waits", "waits"]);
  expect([await texts(), await store.sessions()]).toEqual([["m1 hello"], []]);
  lead.isHeld = true;
  transcripts.goOn();
  await Promise.all(waiting);
  expect([await texts(), await store.documents("kind")]).toEqual([["m1 hello", "m2 new"], [{ key: "key", value: 2 }]]);
});

test("one that has lost it completes the answers it had begun, and nothing else is written, before or after", async () => {
  const { store, lead, transcripts, texts } = setUp();
  await transcripts.append("main", [message("m1", "hel")]);
  lead.isHeld = false;
  const before = transcripts.saveSession(session);
  transcripts.end();
  await transcripts.append("main", [message("m1", "hello")]);
  const after = [
    transcripts.append("main", [message("m2", "new", 2)]),
    transcripts.clear("main"),
    transcripts.deleteSession("main"),
    transcripts.deleteDocument("kind", "key"),
  ];
  expect(await Promise.all([before, ...after].map(state))).toEqual(Array(5).fill("refused"));
  expect([await texts(), await store.sessions()]).toEqual([["m1 hello"], []]);
  await expect(before).rejects.toMatchObject({ code: "cluster_unavailable" });
});

test("one that stops out of touch writes all it has", async () => {
  const { store, lead, transcripts, texts } = setUp();
  lead.isHeld = false;
  const before = transcripts.saveSession(session);
  transcripts.free();
  await transcripts.append("main", [message("m1", "hello")]);
  await before;
  expect([await texts(), await store.sessions()]).toEqual([["m1 hello"], [session]]);
});

test("an answer never goes back to its beginning, though the lead comes back between the two", async () => {
  const { lead, transcripts, texts } = setUp();
  await transcripts.append("main", [message("m1", "h")]);
  lead.isHeld = false;
  const partial = transcripts.append("main", [message("m1", "hel")]);
  lead.isHeld = true;
  transcripts.goOn();
  const whole = transcripts.append("main", [message("m1", "hello")]);
  await Promise.all([partial, whole]);
  expect(await texts()).toEqual(["m1 hello"]);
});
