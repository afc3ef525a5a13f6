import type { MessageFile } from "../../../core/ports/message-file.ts";
import type { TranscriptPart, Transcripts } from "../../../core/ports/transcripts.ts";
import { fileAt, readAddress } from "../files/message-files.ts";
import { canonicalKey } from "./session-key.ts";
import type { SessionStore } from "./session-store.ts";

/** The id under which histories show a message that waits for its turn. */
export const pendingId = (runId: string): string => `pending:${runId}`;

/** Where files of messages are found. */
export interface FileSources {
  readonly sessions: Pick<SessionStore, "get">;
  readonly transcripts: Pick<Transcripts, "message">;
  /** A session's messages that wait for their turn. */
  readonly waiting: (
    key: string,
  ) => readonly { readonly request: { readonly runId: string; readonly content: readonly TranscriptPart[] } }[];
}

/**
 * The file that an address in a session's history names; undefined if there is none, or the session is gone. Reads one
 * message: a transcript that is not in memory stays where it is. Rejects with `store_unavailable` and, for a session key
 * that cannot be one, `bad_request`.
 */
export async function storedFile(
  { sessions, transcripts, waiting }: FileSources,
  sessionKey: string,
  source: string,
): Promise<MessageFile | undefined> {
  const address = readAddress(source);
  const key = canonicalKey(sessionKey);
  const session = sessions.get(key);
  if (!address || !session) return undefined;
  const { messageId, index } = address;
  const queued = waiting(key).find(({ request }) => pendingId(request.runId) === messageId)?.request;
  const known = queued ?? session.messages.find(({ id }) => id === messageId);
  const message = known ?? (session.loaded ? undefined : await transcripts.message(key, messageId));
  return message && fileAt(message, index);
}
