import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";

/** A note as a text part, because every client shows those. It is never stored, so no model ever reads it. */
interface Note {
  readonly type: "text";
  readonly text: string;
}

/** Stop reasons of providers that kept an answer back. */
const WITHHELD = /filter|refus|safety|block|prohibit|recitation|spii/i;

/**
 * The notes after an answer: that text may be missing, why a completed answer has neither text nor tool calls, and which
 * files it cost to send again.
 */
export function notesOf(
  answer: Pick<TranscriptMessage, "content" | "stopReason" | "unreadEvents" | "failure" | "resent">,
): readonly Note[] {
  const { resent } = answer;
  return resent ? [...ownNotesOf(answer), note(costOf(resent))] : ownNotesOf(answer);
}

/** In decimal megabytes, as the Control UI shows sizes of files. */
function costOf({ files, bytes }: NonNullable<TranscriptMessage["resent"]>): string {
  const size = bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `Sent to the model again with this message: ${files === 1 ? "a file" : `${files} files`} of earlier ones, ${size}`;
}

function ownNotesOf(answer: Pick<TranscriptMessage, "content" | "stopReason" | "unreadEvents" | "failure">): Note[] {
  const { content, stopReason, unreadEvents, failure } = answer;
  if (unreadEvents !== undefined) {
    const events = unreadEvents === 1 ? "an event" : `${unreadEvents} events`;
    return [note(`Text may be missing: ${events} of this answer could not be read`)];
  }
  const isEmpty = content.every(
    (part) => part.type === "thinking" || (part.type === "text" && part.text.trim() === ""),
  );
  return isEmpty && stopReason !== undefined && !failure ? [note(`No text: ${whyEmpty(content, stopReason)}`)] : [];
}

function whyEmpty(content: TranscriptMessage["content"], stopReason: string): string {
  if (WITHHELD.test(stopReason)) return `the provider withheld the answer (${stopReason})`;
  if (stopReason === "length") return "the answer reached its token limit before its first word";
  const isThought = content.some((part) => part.type === "thinking" && part.text !== "");
  return isThought ? "the model ended its answer after its reasoning" : `the provider sent none (${stopReason})`;
}

const note = (text: string): Note => ({ type: "text", text: `[${text}.]` });
