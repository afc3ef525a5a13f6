import { expect, test } from "@jest/globals";
import type { TranscriptMessage } from "../../../../src/core/ports/transcripts.ts";
import { cursorOf, messagesAfter } from "../../../../src/faces/openclaw/sessions/delta-cursor.ts";
import { SessionStore } from "../../../../src/faces/openclaw/sessions/session-store.ts";
import { createMemoryTranscripts } from "../../../../src/storage/transcripts/memory-transcripts.ts";
import { observerOf } from "../../../support/relay/observer.ts";

const message = (id: string, seq: number): TranscriptMessage => ({
  id,
  seq,
  role: "user",
  content: [{ type: "text", text: id }],
  timestamp: seq,
});

const transcripts = createMemoryTranscripts();
let ids = 0;
const open = async () => {
  const newId = () => `id-${++ids}`;
  const store = await SessionStore.load({ transcripts, observer: observerOf({}), newId, now: () => 0 });
  return { store, session: await store.openOrCreate("main") };
};

test("a turn to another branch voids all earlier cursors, also after a restart", async () => {
  const { store, session } = await open();
  store.append(session, message("first", 1), message("second", 2));
  const before = cursorOf(session);
  store.append(session, message("third", 3));
  expect(messagesAfter(session, before)).toMatchObject([{ id: "third" }]);
  store.turnTo(session, "second");
  // It ends with the same message.
  expect(messagesAfter(session, before)).toBeUndefined();
  const after = cursorOf(session);
  await store.flush();

  const again = await open();
  again.store.append(again.session, { ...message("fourth", 4), ...again.session.branches.place });
  expect(messagesAfter(again.session, before)).toBeUndefined();
  expect(messagesAfter(again.session, after)).toMatchObject([{ id: "fourth" }]);
});

test("a cursor at a message that is not there is void", async () => {
  const { session } = await open();
  const cursor = cursorOf(session);
  expect(messagesAfter(session, `${cursor}x`)).toBeUndefined();
});
