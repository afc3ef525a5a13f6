/** Conversations that the upstream of a route keeps itself, such as those of an OpenClaw agent. */
import type { Route } from "../../../core/dialect/routing.ts";
import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import type { Session } from "../sessions/session.ts";

const OWN_PREFIX = /^agent:[^:]+:/;

/** Characters that a header's value cannot carry. */
const UNSENDABLE = /[^\x21-\x7e]+/g;

/**
 * The header that names the session to the upstream, for a route that has one. The name ends in the session's id, so a
 * session that starts over is another conversation there too.
 */
export function sessionHeader({ sessionHeader: header }: Route, { record }: Session): Readonly<Record<string, string>> {
  if (header === undefined) return {};
  const name = `sluice:${record.key.replace(OWN_PREFIX, "")}:${record.sessionId}`;
  return { [header]: name.toWellFormed().replace(UNSENDABLE, encodeURIComponent) };
}

/**
 * The messages to send. An upstream that keeps the conversation knows everything up to its last answer in it; a failed one
 * may never have reached it. What was said under another session id it has in another conversation.
 */
export function messagesFor(route: Route, session: Session): readonly TranscriptMessage[] {
  const { messages, inheritedSeq } = session;
  if (!route.keepsHistory) return messages;
  const isKnown = ({ role, seq, failure, ...message }: TranscriptMessage): boolean =>
    role === "assistant" &&
    message.route === route.name &&
    seq > inheritedSeq &&
    (failure === undefined || failure.code === "cancelled");
  return messages.slice(messages.findLastIndex(isKnown) + 1);
}
