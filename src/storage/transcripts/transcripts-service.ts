import type { Service } from "../sqlite/service.ts";
import { SqliteDatabase, type TranscriptOperations } from "./sqlite-database.ts";

/** Reads and writes the transcripts of a directory. Calls of one turn share a commit. */
export function open(directory: string): Service<TranscriptOperations> {
  const database = new SqliteDatabase(directory);
  return { answer: (calls) => database.batch(calls), close: () => database.close() };
}
