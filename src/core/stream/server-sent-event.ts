import type { ByteString } from "../kernel/byte-string.ts";

/** The head of an answer that is an event stream, for every proxy and client on the way. */
export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  // no-transform: a proxy that packs the answer holds it back.
  "cache-control": "no-cache, no-store, no-transform",
  // nginx and those who follow it buffer otherwise.
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

/** A comment: clients skip it, proxies see that the connection lives. */
export const KEEP_ALIVE = ": keep-alive\n\n";

/** One server-sent event. A line of the data is a field of its own; the parser it came from left no other line ends. */
export function serverSentEvent(event: ByteString | undefined, data: ByteString, id?: string): ByteString {
  const head = `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}`;
  return `${head}data: ${data.includes("\n") ? data.replaceAll("\n", "\ndata: ") : data}\n\n`;
}
