import type { Session } from "../sessions/session-store.ts";
import type { Desk } from "./desk.ts";

/** What a conversation leaves in its settings. */
const TRACES = [
  "derivedTitle",
  "lastMessagePreview",
  "lastRunId",
  "lastRunError",
  "status",
  "inputTokens",
  "outputTokens",
  "totalTokens",
];

/** A new, empty conversation under the same key; what went on in the old one is stopped. */
export function renew(desk: Pick<Desk, "runs" | "sessions" | "news">, session: Session): void {
  desk.runs.abort(session.key);
  desk.sessions.reset(session);
  desk.sessions.update(session, Object.fromEntries(TRACES.map((name) => [name, null])));
  desk.news.changed(session.key, "reset");
}
