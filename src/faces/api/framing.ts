import type { ByteString } from "../../core/kernel/byte-string.ts";
import { EVENT_STREAM_HEADERS, KEEP_ALIVE, serverSentEvent } from "../../core/stream/server-sent-event.ts";

/** How the events of one response are written. */
export interface Framing {
  readonly headers: Readonly<Record<string, string>>;
  /** What clients ignore; it keeps a quiet connection open. */
  readonly keepAlive: ByteString;
  event(name: ByteString | undefined, data: ByteString): ByteString;
  /** Whether what is no event may be written as it is. */
  readonly takesUnframed: boolean;
  /** What ends the response. */
  end(): ByteString;
}

/** Server-sent events. */
export const EVENTS: Framing = {
  headers: EVENT_STREAM_HEADERS,
  keepAlive: KEEP_ALIVE,
  event: serverSentEvent,
  takesUnframed: true,
  end: () => "",
};

/** The same for Google's clients: its SDK up to 1.30 never finds an event behind a comment, but skips empty lines. */
export const GOOGLE_EVENTS: Framing = { ...EVENTS, keepAlive: "\n" };

/** One JSON array of all events' data, as Google streams without `alt=sse`. */
export class JsonArray implements Framing {
  readonly headers = { ...EVENT_STREAM_HEADERS, "content-type": "application/json" };
  readonly keepAlive = "\n";
  readonly takesUnframed = false;
  #begun = false;

  event(_: ByteString | undefined, data: ByteString): ByteString {
    const before = this.#begun ? ",\r\n" : "[";
    this.#begun = true;
    return before + data;
  }

  end(): ByteString {
    return this.#begun ? "]" : "[]";
  }
}
