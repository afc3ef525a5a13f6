import type { ByteString } from "../kernel/byte-string.ts";
import type { Entry } from "./stream-log.ts";
import type { Terminal } from "./terminal.ts";

/**
 * An event of the protocol without what a frame puts around it: `{"seq":…,"event":…,"data":…}`. It is built around the
 * data as it came: what the upstream sent is never parsed and written anew.
 */
export const eventBody = (entry: Entry): ByteString => `{"seq":${eventFields(entry)}}`;

/** The same from the number on, for frames that put more fields before it. */
export function eventFields(entry: Entry): ByteString {
  const name = entry.event === undefined ? "" : `,"event":${JSON.stringify(entry.event)}`;
  return entry.raw
    ? `${entry.seq}${name},"data":${JSON.stringify(entry.data)},"raw":true`
    : `${entry.seq}${name},"data":${entry.data}`;
}

/** The end of a stream as the protocol words it, without a client's name for the stream. */
export function endBody(terminal: Terminal) {
  const { status, lastSeq, finish, error, usage, timing, lossy, unreadEvents } = terminal;
  return {
    type: "end" as const,
    lastSeq,
    status,
    ...(finish !== undefined && { finish }),
    ...(error && { error: error.toBody() }),
    usage,
    timing,
    ...(lossy && { lossy }),
    ...(unreadEvents !== undefined && { unreadEvents }),
  };
}
