import type { Session } from "../sessions/session.ts";
import type { Services } from "./services.ts";

/** Settings that describe a past conversation. */
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

/** Stops the runs of a session and empties it. */
export function renew(services: Pick<Services, "runs" | "sessions" | "news" | "sideChats">, session: Session): void {
  services.runs.abort(session.key);
  services.sideChats.reset(session.key);
  services.sessions.reset(session);
  services.sessions.update(session, Object.fromEntries(TRACES.map((name) => [name, null])));
  services.news.changed(session.key, "reset");
}
