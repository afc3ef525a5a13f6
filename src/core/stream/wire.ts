import type { ByteString } from "../kernel/byte-string.ts";
import type { Entry } from "./stream-log.ts";
import type { Terminal } from "./terminal.ts";

/**
 * An event as the protocol writes it, without its frame: `{"seq":…,"event":…,"data":…}`. The upstream's data is inserted as
 * received, never re-serialized.
 */
export const eventBody = (entry: Entry): ByteString => `{"seq":${eventFields(entry)}}`;

/** The same from the sequence number on, for frames with more fields before it. */
export function eventFields(entry: Entry): ByteString {
  const name = entry.event === undefined ? "" : `,"event":${JSON.stringify(entry.event)}`;
  return entry.raw
    ? `${entry.seq}${name},"data":${JSON.stringify(entry.data)},"raw":true`
    : `${entry.seq}${name},"data":${entry.data}`;
}

/** The protocol's `end` frame, without the client's id of the stream. */
export function endBody(terminal: Terminal) {
  const { status, lastSeq, finish, error, usage, timing, target, lossy, unreadEvents } = terminal;
  return {
    type: "end" as const,
    lastSeq,
    status,
    ...(finish !== undefined && { finish }),
    ...(error && { error: error.toBody() }),
    usage,
    timing,
    ...(target && { target }),
    ...(lossy && { lossy }),
    ...(unreadEvents !== undefined && { unreadEvents }),
  };
}
