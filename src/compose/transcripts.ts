import type { Config } from "../config/schema.ts";
import type { Transcripts } from "../core/ports/transcripts.ts";
import type { WorkerThread } from "../storage/sqlite/worker-thread.ts";
import { createMemoryTranscripts } from "../storage/transcripts/memory-transcripts.ts";
import { openSqliteTranscripts } from "../storage/transcripts/sqlite-transcripts.ts";

/** Opens the configured store of sessions and transcripts. Rejects with `store_unavailable`. */
export const openTranscripts = async ({ data }: Config, thread: WorkerThread): Promise<Transcripts> =>
  data.store === "memory" ? createMemoryTranscripts() : openSqliteTranscripts({ ...data, thread });
