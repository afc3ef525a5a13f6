import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Transcripts } from "../../core/ports/transcripts.ts";
import { WorkerChannel } from "../sqlite/worker-channel.ts";
import { fileBeside, type WorkerThread } from "../sqlite/worker-thread.ts";
import { refused, takeLead, type Write, type Writes } from "./lead.ts";
import type { TranscriptOperations, WriteCall } from "./sqlite-database.ts";

/** How long closing waits for the last commits. Each waits up to 2 s for another process that holds the file. */
const CLOSE_MS = 10_000;

interface TranscriptOptions {
  readonly directory: string;
  /** The thread that reads and writes them; by default its own. */
  readonly thread?: WorkerThread | undefined;
}

/**
 * Opens the sessions and transcripts in `sluice.db` in a directory, which is created if missing. Closing commits
 * everything asked for before it. Rejects with `store_unavailable` when the store cannot be used.
 */
export async function openSqliteTranscripts({ directory, thread }: TranscriptOptions): Promise<Transcripts> {
  const channel = new WorkerChannel<TranscriptOperations>({
    program: fileBeside("transcripts-service", import.meta.url),
    data: directory,
    thread,
  });
  try {
    await channel.start();
  } catch (cause) {
    const reason = isNativeError(cause) ? cause.message : String(cause);
    throw new GatewayError("store_unavailable", `the store in ${directory} cannot be used: ${reason}`, { cause });
  }
  let closed: Promise<void> | undefined;
  const call =
    <Name extends keyof TranscriptOperations>(name: Name) =>
    async (...args: Parameters<TranscriptOperations[Name]>): Promise<ReturnType<TranscriptOperations[Name]>> => {
      if (closed !== undefined) throw new GatewayError("store_unavailable", "the store is closed");
      try {
        return await channel.call(name, ...args);
      } catch (cause) {
        throw new GatewayError("store_unavailable", undefined, { cause });
      }
    };
  const documents = call("documents");
  const store: Transcripts = {
    sessions: call("sessions"),
    session: call("session"),
    saveSession: call("saveSession"),
    deleteSession: call("deleteSession"),
    messages: call("messages"),
    message: call("message"),
    append: call("append"),
    clear: call("clear"),
    documents,
    document: call("document"),
    // Gateways that share a directory do not know whose a document is.
    claim: (kind) => documents(kind),
    async release() {},
    // Nor do they hear of what the others write.
    follow: () => () => {},
    hurry: () => () => {},
    saveDocument: call("saveDocument"),
    deleteDocument: call("deleteDocument"),
    async lead(options) {
      const own = await takeLead({ lead: call("lead"), succeed: call("succeed") }, options.leads);
      const write = async (written: WriteCall) => {
        if (!(await call("writeAs")(own ?? "", written))) throw refused(options);
      };
      return own === undefined ? undefined : { ...store, ...writesBy(write) };
    },
    close() {
      closed ??= channel.close(CLOSE_MS);
      return closed;
    },
  };
  return store;
}

/** A lead's writes. */
function writesBy(write: (call: WriteCall) => Promise<void>): Writes {
  const named =
    <Name extends Write>(name: Name) =>
    (...args: Parameters<Transcripts[Name]>): Promise<void> =>
      write({ name, args } as WriteCall);
  return {
    saveSession: named("saveSession"),
    deleteSession: named("deleteSession"),
    append: named("append"),
    clear: named("clear"),
    saveDocument: named("saveDocument"),
    deleteDocument: named("deleteDocument"),
  };
}
