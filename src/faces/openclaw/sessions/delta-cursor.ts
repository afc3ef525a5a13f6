import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import { show } from "./history.ts";
import type { Session } from "./session.ts";

/** The real gateway's limits for one delta; beyond them it lets the client ask for a page. */
const MAX_MESSAGES = 200;
const MAX_BYTES = 1_000_000;

/**
 * What a client has seen of a session, as `deltaCursor`: its id, which changes with every change of its history other than
 * growth, and the newest message. It holds for any life of the gateway, because ids are stored.
 */
export const cursorOf = (session: Session): string => `${lineOf(session)}${session.messages.at(-1)?.id ?? ""}`;

/** Cursors with another beginning are of another conversation or branch. */
const lineOf = ({ record }: Session): string => `${record.sessionId}:`;

/**
 * The messages after a cursor, oldest first. Undefined if the cursor is not this session's, or if they are too many or
 * too large (`maxBytes`, in characters of JSON) for a delta.
 */
export function messagesAfter(
  session: Session,
  cursor: string,
  maxBytes = MAX_BYTES,
): readonly TranscriptMessage[] | undefined {
  const line = lineOf(session);
  if (!cursor.startsWith(line)) return undefined;
  const newest = cursor.slice(line.length);
  const seen = newest === "" ? 0 : session.messages.findLastIndex(({ id }) => id === newest) + 1;
  if (seen === 0 && newest !== "") return undefined;
  const after = session.messages.slice(seen);
  if (after.length > MAX_MESSAGES) return undefined;
  const size = after.reduce((sum, message) => sum + show(message).size, 0);
  return size > Math.min(maxBytes, MAX_BYTES) ? undefined : after;
}
