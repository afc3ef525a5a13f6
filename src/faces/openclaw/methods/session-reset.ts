import type { Session } from "../sessions/session-store.ts";
import type { Services } from "./services.ts";

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
export function renew(services: Pick<Services, "runs" | "sessions" | "news">, session: Session): void {
  services.runs.abort(session.key);
  services.sessions.reset(session);
  services.sessions.update(session, Object.fromEntries(TRACES.map((name) => [name, null])));
  services.news.changed(session.key, "reset");
}
