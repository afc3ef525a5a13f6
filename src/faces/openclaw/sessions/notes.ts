import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";

/** A note as a text part, because every client shows those. It is never stored, so no model ever reads it. */
interface Note {
  readonly type: "text";
  readonly text: string;
}

/** Stop reasons of providers that kept an answer back. */
const WITHHELD = /filter|refus|safety|block|prohibit|recitation|spii/i;

/**
 * The notes after an answer: that text may be missing, why it failed, or why a completed answer has neither text nor tool
 * calls; and which files a complete one cost to send again.
 */
export function notesOf(
  answer: Pick<TranscriptMessage, "content" | "stopReason" | "unreadEvents" | "failure" | "resent">,
): readonly Note[] {
  const { resent, failure } = answer;
  return resent && !failure ? [...ownNotesOf(answer), note(costOf(resent))] : ownNotesOf(answer);
}

/** In decimal megabytes, as the Control UI shows sizes of files. */
function costOf({ files, bytes }: NonNullable<TranscriptMessage["resent"]>): string {
  const size = bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `Sent to the model again with this message: ${files === 1 ? "a file" : `${files} files`} of earlier ones, ${size}`;
}

function ownNotesOf(answer: Pick<TranscriptMessage, "content" | "stopReason" | "unreadEvents" | "failure">): Note[] {
  const { content, stopReason, unreadEvents, failure } = answer;
  const notes = unreadEvents === undefined ? [] : [unread(unreadEvents)];
  if (failure) return failure.code === "cancelled" ? notes : [...notes, warning(failure.message)];
  if (notes.length > 0) return notes;
  const isEmpty = content.every(
    (part) => part.type === "thinking" || (part.type === "text" && part.text.trim() === ""),
  );
  return isEmpty && stopReason !== undefined ? [note(`No text: ${whyEmpty(content, stopReason)}`)] : [];
}

function whyEmpty(content: TranscriptMessage["content"], stopReason: string): string {
  if (WITHHELD.test(stopReason)) return `the provider withheld the answer (${stopReason})`;
  if (stopReason === "length") return "the answer reached its token limit before its first word";
  const isThought = content.some((part) => part.type === "thinking" && part.text !== "");
  return isThought ? "the model ended its answer after its reasoning" : `the provider sent none (${stopReason})`;
}

function unread(count: number): Note {
  const events = count === 1 ? "an event" : `${count} events`;
  return note(`Text may be missing: ${events} of this answer could not be read`);
}

/** In the form by which the Control UI recognises the reason that its red card shows for the last run. */
const warning = (text: string): Note => ({ type: "text", text: `⚠️ ${text}` });

const note = (text: string): Note => ({ type: "text", text: `[${text}.]` });
