/** The frames of the server, as `WebSocketChatTransport` of npm `ai` 7 reads them. */
import { type ByteString, toByteString } from "../../../core/kernel/byte-string.ts";
import type { Chunk } from "../messages/answer-chunks.ts";

/** What stands before the sequence in each chunk frame of a request. */
export const chunkPrefix = (requestId: string): string =>
  `{"type":"chunk","requestId":${JSON.stringify(requestId)},"sequence":`;

/** One piece of an answer. `sequence` counts from 0 without a gap, or the client closes its socket. */
export const chunkFrame = (prefix: string, sequence: number, chunk: Chunk): ByteString =>
  toByteString(`${prefix}${sequence},"chunk":${JSON.stringify(chunk)}}`);

/** The answer begins, or the one to resume exists. */
export const startFrame = (requestId: string): string => JSON.stringify({ type: "start", requestId });
/** There is nothing to resume. */
export const noActiveFrame = (requestId: string): string => JSON.stringify({ type: "no-active", requestId });
/** The answer's chunks are complete. */
export const endFrame = (requestId: string): string => JSON.stringify({ type: "end", requestId });
/** The request failed before its answer began. Users read the text. */
export const errorFrame = (requestId: string, errorText: string): string =>
  JSON.stringify({ type: "error", requestId, errorText });

/** The one frame that clients ignore: it belongs to no request. */
export const KEEP_ALIVE = JSON.stringify({ type: "keepalive", requestId: "~" });
