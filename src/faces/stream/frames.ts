import type { ServerFrame } from "../../../protocol/stream.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { Terminal } from "../../core/stream.ts";
import type { Entry } from "../../core/stream-log.ts";

/** Any frame but the ones on the fast path. */
export const encode = (frame: ServerFrame): string => JSON.stringify(frame);

export const errorFrame = (id: string | undefined, error: GatewayError): string =>
  encode({ type: "error", ...(id !== undefined && { id }), error: error.toBody() });

export function endFrame(id: string, terminal: Terminal): string {
  const { status, lastSeq, finish, error, usage, timing, lossy } = terminal;
  return encode({
    type: "end",
    id,
    lastSeq,
    status,
    ...(finish !== undefined && { finish }),
    ...(error && { error: error.toBody() }),
    usage,
    timing,
    ...(lossy && { lossy }),
  });
}

/** What every event frame of a stream begins with. */
export const eventPrefix = (id: string): string => `{"type":"event","id":${JSON.stringify(id)},"seq":`;

/** The frame is built around the data as it came: what the upstream sent is never parsed and written anew. */
export const eventFrame = (prefix: string, entry: Entry): string => `${prefix}${entry.seq}${fieldsOf(entry)}}`;

/** An event as an element of an `events` frame. */
export const eventBody = (entry: Entry): string => `{"seq":${entry.seq}${fieldsOf(entry)}}`;

export const eventsFrame = (id: string, bodies: readonly string[]): string =>
  `{"type":"events","id":${JSON.stringify(id)},"events":[${bodies.join(",")}]}`;

function fieldsOf(entry: Entry): string {
  const name = entry.event === undefined ? "" : `,"event":${JSON.stringify(entry.event)}`;
  return entry.raw ? `${name},"data":${JSON.stringify(entry.data)},"raw":true` : `${name},"data":${entry.data}`;
}
