import { describe, expect, test } from "@jest/globals";
import type { TranscriptMessage } from "../../../../src/core/ports/transcripts.ts";
import { SessionStore } from "../../../../src/faces/openclaw/sessions/session-store.ts";
import { createMemoryTranscripts } from "../../../../src/storage/transcripts/memory-transcripts.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";
import { observerOf } from "../../../support/relay/observer.ts";

const message = (id: string, seq: number): TranscriptMessage => ({
  id,
  seq,
  role: "user",
  content: [{ type: "text", text: id }],
  timestamp: seq,
});

const picture = (id: string, bytes: number): TranscriptMessage => ({
  ...message(id, 1),
  content: [{ type: "image", mimeType: "image/png", base64: "A".repeat(bytes) }],
});

/** Unused transcripts are forgotten one turn of the event loop later. */
const turn = () => new Promise((later) => setImmediate(later));

async function storeOf(busy: ReadonlySet<string> = new Set(), limits: object = { maxLoaded: 2 }) {
  const transcripts = createMemoryTranscripts();
  const faults: unknown[] = [];
  const observer = observerOf({ fault: (error) => void faults.push(error) });
  let ids = 0;
  const isBusy = (key: string) => busy.has(key);
  const parts = { transcripts, observer, newId: () => `id${++ids}`, now: () => 0, ...limits, isBusy };
  return { store: await SessionStore.load(parts), transcripts, faults };
}

describe("transcripts in memory", () => {
  test("are forgotten, the least recently used first, and read again when needed", async () => {
    const { store, faults } = await storeOf();
    for (const key of ["a", "b", "c"]) store.append(await store.openOrCreate(key), message(key, 1));
    await store.flush();
    await store.open("c");
    await turn();
    expect(store.get("a")?.messages).toEqual([]);
    expect(store.get("c")?.messages).toHaveLength(1);
    expect((await store.open("a"))?.messages).toMatchObject([{ id: "a" }]);
    await turn();
    expect(store.get("b")?.messages).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("stay while they are needed: not stored yet, or with a run", async () => {
    const { store } = await storeOf(new Set(["busy"]));
    store.append(await store.openOrCreate("busy"), message("b", 1));
    await store.flush();
    const unsaved = await store.openOrCreate("unsaved");
    unsaved.unsaved.push(message("u", 1));
    for (const key of ["c", "d", "e"]) await store.openOrCreate(key);
    await store.open("e");
    await turn();
    expect(store.get("busy")?.messages).toHaveLength(1);
    expect(unsaved.loaded).toBe(true);
    expect(store.get("c")?.loaded).toBe(false);
  });

  test("are bounded by bytes: pictures stay only as long as they are needed", async () => {
    const busy = new Set<string>();
    const { store } = await storeOf(busy, { memory: { keptBytes: 10_000, maxBytes: 20_000 } });
    for (let index = 0; index < 20; index++) {
      const key = `s${index}`;
      busy.add(key);
      store.append(await store.openOrCreate(key), picture(key, 8_000));
      await store.flush();
      expect(store.get(key)?.messages).toHaveLength(1);
      busy.delete(key);
      await store.open(key);
      await turn();
      const held = [...store.all()].filter(({ messages }) => messages.length > 0);
      expect(held.length).toBeLessThanOrEqual(1);
    }
    expect((await store.open("s0"))?.messages).toEqual([picture("s0", 8_000)]);
  });

  test("may take twice as much while they are needed; beyond that no message is accepted", async () => {
    const busy = new Set(["a", "b"]);
    const { store } = await storeOf(busy, { memory: { keptBytes: 10_000, maxBytes: 20_000 } });
    for (const key of busy) store.append(await store.openOrCreate(key), picture(key, 9_000));
    await store.flush();
    store.checkRoom(900);
    const refused = () => store.checkRoom(1_000);
    expect(refused).toThrow(expect.objectContaining({ code: "overloaded", retryAfterMs: 1_000 }));
    busy.clear();
    await store.open("a");
    await turn();
    store.checkRoom(1_000);
  });

  test("no longer count once their session is reset or deleted, whatever is still added to it", async () => {
    const { store } = await storeOf(new Set(["a", "b"]), { memory: { keptBytes: 1_000, maxBytes: 2_000 } });
    const [a, b] = [await store.openOrCreate("a"), await store.openOrCreate("b")];
    store.append(a, picture("1", 900));
    store.append(b, picture("2", 900));
    store.reset(a);
    store.delete(b);
    store.append(b, picture("3", 900));
    store.checkRoom(2_000);
    expect(() => store.checkRoom(2_001)).toThrow("memory for transcripts");
  });

  test("are read one at a time, however many are opened at once", async () => {
    const { store, transcripts } = await storeOf(new Set(), { memory: { keptBytes: 1, maxBytes: 2 } });
    const keys = ["a", "b", "c", "d"];
    for (const key of keys) store.append(await store.openOrCreate(key), message(key, 1));
    await store.flush();
    await store.open("a");
    await turn();
    let reading = 0;
    const messages = transcripts.messages.bind(transcripts);
    transcripts.messages = async (key) => {
      expect(++reading).toBe(1);
      await turn();
      reading--;
      return messages(key);
    };
    const opened = await Promise.all(keys.map((key) => store.open(key)));
    expect(opened.map((session) => session?.key)).toEqual(keys);
  });
});

test("a message is refused as overloaded while running conversations fill the memory, and accepted afterwards", async () => {
  await using rig = await startRig({ transcriptMemory: { keptBytes: 10_000, maxBytes: 20_000 } });
  using client = await rig.client();
  const content = "iVBORw0KGgoA".padEnd(8_000, "A");
  const send = (key: string) => ({
    sessionKey: key,
    message: "",
    idempotencyKey: key,
    attachments: [{ mimeType: "image/png", content }],
  });
  await client.request("chat.send", send("a"));
  await client.request("chat.send", send("b"));
  expect(await client.refusal("chat.send", send("c"))).toMatchObject({
    code: "UNAVAILABLE",
    details: { code: "overloaded" },
    retryable: true,
  });
  for (const call of rig.calls) call.text("done").finish();
  await client.ended("a");
  await client.ended("b");
  await turn();
  await client.request("chat.send", send("c"));
});
