/** Files of earlier messages: which are sent to the model again, and how much that is. */
import type { Conversation } from "../../../core/dialect/dialect.ts";
import type { TranscriptMessage, TranscriptPart } from "../../../core/ports/transcripts.ts";
import { decodedBytes } from "../../chat/base64.ts";

/**
 * The same messages, in which only the newest `turns` user messages still have their files. In place of each older file its
 * name stands, so that the model knows of it.
 */
export function withRecentFiles(messages: readonly TranscriptMessage[], turns: number): readonly TranscriptMessage[] {
  let left = turns;
  return messages
    .toReversed()
    .map((message) => {
      if (message.role !== "user") return message;
      left--;
      return left >= 0 ? message : { ...message, content: message.content.map(named) };
    })
    .toReversed();
}

function named(part: TranscriptPart): TranscriptPart {
  if (part.type !== "image" && part.type !== "document" && part.type !== "textFile") return part;
  return { type: "text", text: `[${part.fileName ?? "a picture"}: attached earlier, not sent again]` };
}

/** The pictures and documents of a conversation that were sent before; undefined if there are none. */
export function resentFiles({ messages }: Conversation): TranscriptMessage["resent"] {
  const parts = messages.slice(0, -1).flatMap(({ content }) => content);
  const sizes = parts.flatMap((part) =>
    part.type === "image" || part.type === "document" ? [decodedBytes(part.base64)] : [],
  );
  return sizes.length === 0 ? undefined : { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
