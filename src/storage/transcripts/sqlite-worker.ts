/** The thread that reads and writes transcripts. Calls of one turn share a commit. */
import { workerData } from "node:worker_threads";
import { serve } from "../sqlite/worker-program.ts";
import { SqliteDatabase, type TranscriptOperations } from "./sqlite-database.ts";

const database = new SqliteDatabase(String(workerData));
serve<TranscriptOperations>({ answer: (calls) => database.batch(calls), close: () => database.close() });
