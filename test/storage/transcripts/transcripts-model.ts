import { expect } from "@jest/globals";
import fc from "fast-check";
import type { SessionRecord, TranscriptMessage, Transcripts } from "../../../src/core/ports/transcripts.ts";

/** The store a test expects, as plain maps: sessions by key, messages by session key, then id. */
export interface Model {
  readonly sessions: Map<string, SessionRecord>;
  readonly messages: Map<string, Map<string, TranscriptMessage>>;
}

export const emptyModel = (): Model => ({ sessions: new Map(), messages: new Map() });

type Command = fc.AsyncCommand<Model, Transcripts>;

const command = (label: string, run: (model: Model, real: Transcripts) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => label,
});

const text = fc.string({ unit: "binary", maxLength: 8 });
// Few keys and ids, so that commands collide; some odd ones.
const key = fc.constantFrom("a", "b", "main'; --", "агент:🦀", "__proto__", "");
const id = fc.constantFrom("1", "2", "3", "4", "constructor");

const session: fc.Arbitrary<SessionRecord> = fc.record({
  key,
  sessionId: text,
  agentId: text,
  createdAt: fc.nat(),
  updatedAt: fc.nat(),
  settings: fc.dictionary(fc.constantFrom("label", "pinned", "order"), fc.oneof(text, fc.boolean(), fc.integer())),
});

const message: fc.Arbitrary<TranscriptMessage> = fc.record({
  id,
  seq: fc.integer({ min: 1, max: 2 ** 31 }),
  role: fc.constantFrom("user", "assistant"),
  content: fc.array(fc.record({ type: fc.constant("text"), text }), { maxLength: 2 }),
  timestamp: fc.nat(),
});

const save = session.map((record) =>
  command(`saveSession(${JSON.stringify(record)})`, async (model, real) => {
    model.sessions.set(record.key, record);
    await real.saveSession(record);
  }),
);

const append = fc.tuple(key, fc.array(message, { maxLength: 3 })).map(([sessionKey, added]) =>
  command(`append(${sessionKey}, ${JSON.stringify(added)})`, async (model, real) => {
    const stored = model.messages.get(sessionKey) ?? new Map();
    model.messages.set(sessionKey, stored);
    for (const one of added) stored.set(one.id, one);
    await real.append(sessionKey, added);
  }),
);

const clear = key.map((sessionKey) =>
  command(`clear(${sessionKey})`, async (model, real) => {
    model.messages.delete(sessionKey);
    await real.clear(sessionKey);
  }),
);

const remove = key.map((sessionKey) =>
  command(`deleteSession(${sessionKey})`, async (model, real) => {
    model.sessions.delete(sessionKey);
    model.messages.delete(sessionKey);
    await real.deleteSession(sessionKey);
  }),
);

// Ties in seq or time have no defined order: both sides are sorted by a unique field.
const sorted = <Item>(items: Iterable<Item>, by: (item: Item) => string) =>
  [...items].sort((a, b) => by(a).localeCompare(by(b)));

const look = key.map((sessionKey) =>
  command(`look(${sessionKey})`, async (model, real) => {
    const messages = await real.messages(sessionKey);
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map(({ seq }) => seq).sort((a, b) => a - b));
    const expected = model.messages.get(sessionKey)?.values() ?? [];
    expect(sorted(messages, (one) => one.id)).toEqual(sorted(expected, (one) => one.id));
    const sessions = await real.sessions();
    expect(sorted(sessions, (one) => one.key)).toEqual(sorted(model.sessions.values(), (one) => one.key));
  }),
);

/** Any sequence of writes, with reads in between. */
export const transcriptCommands = fc.commands([save, append, append, clear, remove, look, look], { maxCommands: 40 });
