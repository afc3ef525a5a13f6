import type { TranscriptPart } from "../../../core/ports/transcripts.ts";

/** What a message takes besides its texts. */
const MESSAGE_BYTES = 512;

function partBytes(part: TranscriptPart): number {
  if (part.type === "image") return part.base64.length;
  // A character outside of Latin makes all of a text two bytes wide.
  return 2 * (part.type === "toolCall" ? part.arguments.length : part.text.length);
}

/** What a message's content takes in memory, in bytes. */
export const contentBytes = (content: readonly TranscriptPart[]): number =>
  content.reduce((sum, part) => sum + partBytes(part), MESSAGE_BYTES);
