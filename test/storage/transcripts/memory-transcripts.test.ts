import { createMemoryTranscripts } from "../../../src/storage/transcripts/memory-transcripts.ts";
import { transcriptsContract } from "./transcripts-contract.ts";

transcriptsContract("memory", async () => createMemoryTranscripts(), 100);
