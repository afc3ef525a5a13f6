/** What a question and its answer leave in the row of their session. */
import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import type { Session, Settings } from "./session.ts";
import { oneLine, plainText } from "./transcript-view.ts";

/** In characters. */
const TITLE_LENGTH = 80;
const PREVIEW_LENGTH = 200;

/** `startedAt`: when its run began, wall clock in milliseconds. */
export function traceOfQuestion(session: Session, question: TranscriptMessage, startedAt: number): Settings {
  const text = plainText(question);
  return {
    lastInteractionAt: startedAt,
    startedAt,
    lastMessagePreview: oneLine(text, PREVIEW_LENGTH),
    ...(session.setting("derivedTitle") === undefined && { derivedTitle: oneLine(text, TITLE_LENGTH) }),
  };
}

/** An answer without text leaves none. */
export function traceOfAnswer(text: string): Settings {
  const preview = oneLine(text, PREVIEW_LENGTH);
  return preview === "" ? {} : { lastMessagePreview: preview };
}
