import { DatabaseSync } from "node:sqlite";

/** Resolves when a transcript in this data directory holds the text. */
export async function untilStored(directory: string, text: string): Promise<void> {
  for (;;) {
    using database = new DatabaseSync(`${directory}/sluice.db`, { readOnly: true });
    if (database.prepare("SELECT 1 FROM messages WHERE instr(record, ?)").get(text)) return;
    await new Promise((look) => setImmediate(look));
  }
}
