import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import { type WireMessage, wireMessage } from "./transcript-view.ts";

/** OpenClaw's default page. */
export const DEFAULT_LIMIT = 200;
/** 6 MiB, the real gateway's limit for one history. */
const MAX_BYTES = 6 * 1024 * 1024;

interface Shown {
  readonly message: WireMessage;
  /** In characters of JSON. */
  readonly size: number;
}

/** Stored messages never change, so each is encoded once, although clients ask again after every event. */
const shown = new WeakMap<TranscriptMessage, Shown>();

/** The wire form of a message, and its size in characters of JSON. */
export function show(message: TranscriptMessage): Shown {
  let form = shown.get(message);
  if (!form) {
    const wire = wireMessage(message);
    form = { message: wire, size: JSON.stringify(wire).length };
    shown.set(message, form);
  }
  return form;
}

/** Which part of a transcript a client asks for. */
export interface PageRequest {
  readonly limit?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Messages to skip, counted from the newest. */
  readonly offset?: number | undefined;
}

/** The newest messages that fit, oldest first; always at least one. Takes time by the page, not by the transcript. */
export function page(messages: readonly TranscriptMessage[], request: PageRequest) {
  const { limit = DEFAULT_LIMIT, maxBytes = MAX_BYTES, offset = 0 } = request;
  const end = Math.max(0, messages.length - offset);
  const picked: WireMessage[] = [];
  let room = Math.min(maxBytes, MAX_BYTES);
  for (let index = end - 1; index >= 0 && picked.length < limit; index--) {
    const message = messages[index];
    if (!message) break;
    const { message: wire, size } = show(message);
    room -= size;
    if (room < 0 && picked.length > 0) break;
    picked.push(wire);
  }
  const hasMore = end - picked.length > 0;
  return {
    messages: picked.reverse(),
    hasMore,
    ...(hasMore && { nextOffset: offset + picked.length }),
    totalMessages: messages.length,
  };
}
