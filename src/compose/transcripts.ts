import type { Config } from "../config/schema.ts";
import type { Transcripts } from "../core/ports/transcripts.ts";
import { createMemoryTranscripts } from "../storage/transcripts/memory-transcripts.ts";
import { openSqliteTranscripts } from "../storage/transcripts/sqlite-transcripts.ts";

/** Opens the sessions and transcripts where the configuration keeps its data. Rejects with `store_unavailable`. */
export const openTranscripts = async (data: Config["data"]): Promise<Transcripts> =>
  data.store === "memory" ? createMemoryTranscripts() : openSqliteTranscripts(data);
