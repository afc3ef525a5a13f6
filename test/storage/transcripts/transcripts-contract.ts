import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { SessionRecord, TranscriptMessage, Transcripts } from "../../../src/core/ports/transcripts.ts";
import { emptyModel, type Model, transcriptCommands } from "./transcripts-model.ts";

export const session = (key: string, updatedAt = 1000): SessionRecord => ({
  key,
  sessionId: `id of ${key}`,
  agentId: "main",
  createdAt: 1000,
  updatedAt,
  settings: { label: "a 'quoted' \"label\"; DROP TABLE sessions", pinned: true, order: 2.5, model: null },
});

export const message = (seq: number, id = `m${seq}`): TranscriptMessage => ({
  id,
  seq,
  role: seq % 2 === 1 ? "user" : "assistant",
  content: [{ type: "text", text: `text ${seq} 𝄞 \u0000 "'` }],
  timestamp: 1_750_000_000_000.5 + seq,
});

const fullMessage: TranscriptMessage = {
  ...message(2),
  content: [
    { type: "thinking", text: "hm", signature: "sig" },
    { type: "image", mimeType: "image/png", base64: "iVBORw==" },
    { type: "toolCall", id: "call_1", name: "look", arguments: '{"at":' },
    { type: "text", text: "" },
  ],
  runId: "run-1",
  model: "claude",
  route: "anthropic",
  stopReason: "end_turn",
  usage: { source: "estimated", inputTokens: 3, outputTokens: 0 },
  failure: { code: "upstream_truncated", message: "the stream ended before its last event" },
};

/** What every implementation of the port guarantees. `open` returns an empty store. */
export function transcriptsContract(name: string, open: () => Promise<Transcripts>, runs: number): void {
  describe(`${name}, as every transcript store`, () => {
    let store: Transcripts;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    test("starts empty", async () => {
      expect(await store.sessions()).toEqual([]);
      expect(await store.messages("nobody")).toEqual([]);
    });

    test("returns sessions as they were saved, the newest first", async () => {
      await store.saveSession(session("old", 1));
      await store.saveSession(session("new", 2));
      expect(await store.sessions()).toEqual([session("new", 2), session("old", 1)]);
    });

    test("returns one message by its id, until its session is cleared or deleted", async () => {
      const messages = [message(1), message(2)];
      for (const key of ["a", "b"]) await store.append(key, messages);
      expect(await store.message("a", message(2).id)).toEqual(message(2));
      expect(await store.message("a", "none")).toBeUndefined();
      expect(await store.message("c", message(2).id)).toBeUndefined();
      await store.clear("a");
      await store.deleteSession("b");
      for (const key of ["a", "b"]) expect(await store.message(key, message(2).id)).toBeUndefined();
    });

    test("returns one session by its key, until it is deleted", async () => {
      for (const key of ["a", "b"]) await store.saveSession(session(key));
      expect(await store.session("a")).toEqual(session("a"));
      expect(await store.session("none")).toBeUndefined();
      await store.deleteSession("a");
      expect(await store.session("a")).toBeUndefined();
    });

    test("saving a session again replaces it and leaves its transcript", async () => {
      await store.saveSession(session("a", 1));
      await store.append("a", [message(1)]);
      await store.saveSession(session("a", 5));
      expect(await store.sessions()).toEqual([session("a", 5)]);
      expect(await store.messages("a")).toEqual([message(1)]);
    });

    test("returns messages in every detail, in the order of their seq", async () => {
      await store.append("a", [message(3), fullMessage]);
      await store.append("a", [message(1)]);
      expect(await store.messages("a")).toEqual([message(1), fullMessage, message(3)]);
    });

    test("a message whose id is stored already is replaced", async () => {
      await store.append("a", [message(1, "same")]);
      await store.append("a", [message(9, "same"), message(2, "other")]);
      expect(await store.messages("a")).toEqual([message(2, "other"), message(9, "same")]);
    });

    test("two sessions may use the same id", async () => {
      await store.append("a", [message(1, "same")]);
      await store.append("b", [message(2, "same")]);
      expect(await store.messages("b")).toEqual([message(2, "same")]);
    });

    test("clearing empties one transcript and keeps its session", async () => {
      await store.saveSession(session("a"));
      await store.append("a", [message(1)]);
      await store.append("b", [message(1)]);
      await store.clear("a");
      expect(await store.messages("a")).toEqual([]);
      expect(await store.messages("b")).toHaveLength(1);
      expect(await store.sessions()).toHaveLength(1);
    });

    test("deleting removes the session and its transcript, and only those", async () => {
      await store.saveSession(session("a"));
      await store.saveSession(session("b"));
      await store.append("a", [message(1)]);
      await store.append("b", [message(1)]);
      await store.deleteSession("a");
      await store.deleteSession("never was");
      expect(await store.sessions()).toEqual([session("b")]);
      expect(await store.messages("a")).toEqual([]);
      expect(await store.messages("b")).toEqual([message(1)]);
    });

    test("returns the documents of one kind as they were saved, by key", async () => {
      await store.saveDocument("prefs", "b", { theme: "dark", pins: ["\u0000 𝄞"] });
      await store.saveDocument("prefs", "a", 1);
      await store.saveDocument("devices", "a", null);
      await store.saveDocument("prefs", "a", [2]);
      expect(await store.documents("prefs")).toEqual([
        { key: "a", value: [2] },
        { key: "b", value: { theme: "dark", pins: ["\u0000 𝄞"] } },
      ]);
      expect(await store.documents("devices")).toEqual([{ key: "a", value: null }]);
      expect(await store.document("prefs", "a")).toEqual([2]);
      expect(await store.document("devices", "a")).toBeNull();
      expect(await store.document("devices", "b")).toBeUndefined();
      expect(await store.documents("none")).toEqual([]);
    });

    test("deletes a document of one kind, and no session's end deletes any", async () => {
      await store.saveDocument("prefs", "a", 1);
      await store.saveDocument("devices", "a", 2);
      await store.saveSession(session("a"));
      await store.deleteDocument("prefs", "a");
      await store.deleteDocument("prefs", "never was");
      await store.deleteSession("a");
      expect(await store.documents("prefs")).toEqual([]);
      expect(await store.documents("devices")).toEqual([{ key: "a", value: 2 }]);
    });

    test("a read sees all writes called before it, awaited or not", async () => {
      const write = store.append("a", [message(1)]);
      expect(await store.messages("a")).toEqual([message(1)]);
      await write;
    });

    test("a closed store refuses with store_unavailable, and can be closed again", async () => {
      await store.close();
      await store.close();
      await expect(store.sessions()).rejects.toMatchObject({ code: "store_unavailable" });
      await expect(store.append("a", [message(1)])).rejects.toMatchObject({ code: "store_unavailable" });
    });

    test("behaves like plain maps under any sequence of calls", async () => {
      const attempt = async (commands: Iterable<fc.AsyncCommand<Model, Transcripts>>) => {
        const real = await open();
        await fc.asyncModelRun(() => ({ model: emptyModel(), real }), commands);
        await real.close();
      };
      await fc.assert(fc.asyncProperty(transcriptCommands, attempt), { numRuns: runs });
    });
  });
}
