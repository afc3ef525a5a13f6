import { GatewayError } from "../../../core/kernel/errors.ts";
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

const RETRY_AFTER_MS = 1_000;

/** Throws `overloaded` when transcripts of this many bytes are beyond the limit, if there is one. */
export function checkRoom(bytes: number, memory: TranscriptMemory | undefined): void {
  const limit = memory?.maxBytes ?? Number.POSITIVE_INFINITY;
  if (bytes <= limit) return;
  const details = { limit };
  const message = "the conversations in progress take all the memory for transcripts";
  throw new GatewayError("overloaded", message, { details, retryAfterMs: RETRY_AFTER_MS });
}
