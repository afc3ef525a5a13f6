import type { TranscriptMessage } from "../../../../core/ports/transcripts.ts";
import type { Session } from "../../sessions/session.ts";
import type { Services } from "../services.ts";

/** Copies these messages of a conversation into an empty session, with what was chosen for it. */
export function copyInto(
  { sessions, newId }: Pick<Services, "sessions" | "newId">,
  session: Session,
  parent: Session,
  messages: readonly TranscriptMessage[],
): void {
  const copies = messages.map(({ parentId: _, ...message }, index) => ({ ...message, id: newId(), seq: index + 1 }));
  sessions.append(session, ...copies);
  sessions.turnTo(session, copies.at(-1)?.id ?? null);
  const { model = null, thinkingLevel = null, derivedTitle = null } = parent.record.settings;
  sessions.update(session, { model, thinkingLevel, derivedTitle });
}
