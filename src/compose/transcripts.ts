import type { Config } from "../config/schema.ts";
import type { Transcripts } from "../core/ports/transcripts.ts";
import { createMemoryTranscripts } from "../storage/transcripts/memory-transcripts.ts";
import { openSqliteTranscripts } from "../storage/transcripts/sqlite-transcripts.ts";

/** Opens the configured store of conversations. Rejects with `store_unavailable`. */
export async function openTranscripts({ data }: Pick<Config, "data">): Promise<Transcripts> {
  return data.store === "memory" ? createMemoryTranscripts() : openSqliteTranscripts(data);
}
