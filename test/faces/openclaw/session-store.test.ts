import { describe, expect, test } from "@jest/globals";
import type { TranscriptMessage } from "../../../src/core/ports.ts";
import { SessionStore } from "../../../src/faces/openclaw/session-store.ts";
import { createMemoryTranscripts } from "../../../src/storage/memory-transcripts.ts";

const message = (id: string, seq: number): TranscriptMessage => ({
  id,
  seq,
  role: "user",
  content: [{ type: "text", text: id }],
  timestamp: seq,
});

async function storeOf(busy: ReadonlySet<string> = new Set()) {
  const transcripts = createMemoryTranscripts();
  const faults: unknown[] = [];
  const observer = {
    streamEnded() {},
    connectionClosed() {},
    refused() {},
    fault: (error: unknown) => void faults.push(error),
  };
  let ids = 0;
  const isBusy = (key: string) => busy.has(key);
  const parts = { transcripts, observer, newId: () => `id${++ids}`, now: () => 0, maxLoaded: 2, isBusy };
  return { store: await SessionStore.load(parts), faults };
}

describe("transcripts in memory", () => {
  test("are let go, the one that was not asked for longest first, and read again when they are wanted", async () => {
    const { store, faults } = await storeOf();
    for (const key of ["a", "b", "c"]) store.append(await store.openOrCreate(key), message(key, 1));
    await store.flush();
    await store.open("c");
    expect(store.get("a")?.messages).toEqual([]);
    expect(store.get("c")?.messages).toHaveLength(1);
    expect((await store.open("a"))?.messages).toMatchObject([{ id: "a" }]);
    expect(store.get("b")?.messages).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("stay while they are needed: not stored yet, or something goes on", async () => {
    const { store } = await storeOf(new Set(["busy"]));
    store.append(await store.openOrCreate("busy"), message("b", 1));
    await store.flush();
    const unsaved = await store.openOrCreate("unsaved");
    unsaved.unsaved.push(message("u", 1));
    for (const key of ["c", "d", "e"]) await store.openOrCreate(key);
    await store.open("e");
    expect(store.get("busy")?.messages).toHaveLength(1);
    expect(unsaved.loaded).toBe(true);
    expect(store.get("c")?.loaded).toBe(false);
  });
});
