import type { TranscriptPart } from "../../../core/ports/transcripts.ts";

/** Memory of a message besides its texts and pictures. */
const MESSAGE_BYTES = 512;

function partBytes(part: TranscriptPart): number {
  if (part.type === "image" || part.type === "document") return part.base64.length;
  // V8 stores a text with any character beyond Latin-1 in two bytes a character.
  return 2 * (part.type === "toolCall" ? part.arguments.length : part.text.length);
}

/** Memory of a message's content, in bytes. */
export const contentBytes = (content: readonly TranscriptPart[]): number =>
  content.reduce((sum, part) => sum + partBytes(part), MESSAGE_BYTES);

/** Limits on the memory of transcripts, in bytes. */
export interface TranscriptMemory {
  /** Beyond it, transcripts not in use are forgotten; they are read again when needed. */
  readonly keptBytes: number;
  /** Beyond it, no message is accepted: transcripts in use cannot be forgotten. */
  readonly maxBytes: number;
}
