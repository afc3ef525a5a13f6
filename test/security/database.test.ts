import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { openSqliteTranscripts } from "../../src/storage/transcripts/sqlite-transcripts.ts";
import { message, session } from "../storage/transcripts/transcripts-contract.ts";
import { NASTY_STRINGS } from "../support/recordings/nasty-strings.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
/** SQLite keeps UTF-8, which has no halves of characters. */
const NAMES = [...new Set(NASTY_STRINGS.map((text) => text.toWellFormed()))];

/** What may stand in a statement besides constants, whose names are capitals: values are bound. */
const OUR_OWN = new Set([
  "\u0024{group}",
  "\u0024{where}",
  '\u0024{by === "day" ? "1" : highest}',
  "\u0024{MAX_LINES + 1}",
  "\u0024{steps.length}",
]);
const CONSTANT = /^\$\{[A-Z][A-Z_]*\}$/;

describe("text in a database is text", () => {
  test("sessions and messages of any name are found under their own names", async () => {
    const store = await openSqliteTranscripts({ directory: directory() });
    for (const name of NAMES) {
      await store.saveSession({ ...session(name), settings: { label: name } });
      await store.append(name, [{ ...message(1, name), content: [{ type: "text", text: name }], runId: name }]);
    }
    const sessions = await store.sessions();
    expect(new Set(sessions.map(({ key }) => key))).toEqual(new Set(NAMES));
    for (const name of NAMES) {
      expect(await store.messages(name)).toMatchObject([{ id: name, content: [{ text: name }], runId: name }]);
    }
    for (const name of NAMES.slice(1)) await store.deleteSession(name);
    expect(await store.sessions()).toHaveLength(1);
    expect(await store.messages(NAMES[0] ?? "")).toHaveLength(1);
    await store.close();
  });

  test("no statement is built from values", () => {
    const folder = new URL("../../src/storage/", import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const inserted = files.flatMap((name) => {
      const source = readFileSync(new URL(name, folder), "utf8");
      const statements = source.match(/(?:prepare|exec)\(\s*`[^`]*`/g) ?? [];
      return statements.flatMap((statement) => statement.match(/\$\{[^}]*\}/g) ?? []);
    });
    expect(files.length).toBeGreaterThan(5);
    expect(inserted.filter((expression) => !CONSTANT.test(expression) && !OUR_OWN.has(expression))).toEqual([]);
  });
});
