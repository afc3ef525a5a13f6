import { DatabaseSync } from "node:sqlite";

/** Looks into a data directory until it holds what is wanted. */
async function until(directory: string, holds: (database: DatabaseSync) => boolean): Promise<void> {
  for (;;) {
    using database = new DatabaseSync(`${directory}/sluice.db`, { readOnly: true });
    if (holds(database)) return;
    await new Promise((look) => setImmediate(look));
  }
}

/** Resolves when a transcript in this data directory holds the text. */
export const untilStored = (directory: string, text: string): Promise<void> =>
  until(directory, (database) => Boolean(database.prepare("SELECT 1 FROM messages WHERE instr(record, ?)").get(text)));

/** Resolves when messages with these run ids, in alphabetical order, wait in this data directory. */
export const untilQueued = (directory: string, runIds: readonly string[]): Promise<void> =>
  until(directory, (database) => {
    const kept = database.prepare("SELECT key FROM documents WHERE kind = 'openclaw.queue' ORDER BY key").all();
    return kept.map(({ key }) => key).join() === runIds.join();
  });
