/** Conversations that the upstream of a route keeps itself, such as those of an OpenClaw agent. */
import type { Route } from "../../../core/dialect/routing.ts";
import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import type { Session } from "../sessions/session-store.ts";

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
 * The messages to send. An upstream that keeps the conversation knows everything up to its last answer in this session; an
 * answer without a run was copied from another one by a fork, and a failed one may never have reached it.
 */
export function messagesFor(route: Route, messages: readonly TranscriptMessage[]): readonly TranscriptMessage[] {
  if (!route.keepsHistory) return messages;
  const isKnown = ({ role, runId, failure, ...message }: TranscriptMessage): boolean =>
    role === "assistant" &&
    message.route === route.name &&
    runId !== undefined &&
    (failure === undefined || failure.code === "cancelled");
  return messages.slice(messages.findLastIndex(isKnown) + 1);
}
