import { createMemoryTranscripts } from "../../src/storage/memory-transcripts.ts";
import { transcriptsContract } from "./transcripts-contract.ts";

transcriptsContract("memory", async () => createMemoryTranscripts(), 100);
