import type { ByteString } from "../kernel/byte-string.ts";

/** Response headers of an event stream, for clients and the proxies in between. */
export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  // no-transform: a proxy that compresses a response also buffers it.
  "cache-control": "no-cache, no-store, no-transform",
  // Without it nginx, and proxies that copy its behaviour, buffer.
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

/** A comment: clients ignore it, and it keeps proxies from closing a quiet connection. */
export const KEEP_ALIVE = ": keep-alive\n\n";

/** Writes one server-sent event. Each line of the data becomes a field; the parser leaves no line ends but `\n` in it. */
export function serverSentEvent(event: ByteString | undefined, data: ByteString, id?: string): ByteString {
  const head = `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}`;
  return `${head}data: ${data.includes("\n") ? data.replaceAll("\n", "\ndata: ") : data}\n\n`;
}
