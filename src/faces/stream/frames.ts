import type { ServerFrame } from "../../../protocol/stream.ts";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";
import type { Entry } from "../../core/stream/stream-log.ts";
import type { StreamInfo } from "../../core/stream/stream-parts.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import { endBody, eventFields } from "../../core/stream/wire.ts";

/** Encodes any frame that is not on the hot path. */
export const encode = (frame: ServerFrame): string => JSON.stringify(frame);

/** An error about a stream, or without `id` about the connection. */
export const errorFrame = (id: string | undefined, error: GatewayError): string =>
  encode({ type: "error", ...(id !== undefined && { id }), error: error.toBody() });

/** A stream is open. `isAttached`: an earlier open with the same idempotency key had opened it. */
export const openedFrame = (id: string, { id: stream, epoch, route, model }: StreamInfo, isAttached: boolean): string =>
  encode({
    type: "opened",
    id,
    stream,
    epoch,
    route,
    ...(model !== undefined && { model }),
    ...(isAttached && { attached: true as const }),
  });

/** The last frame of a stream. */
export const endFrame = (id: string, terminal: Terminal): string => encode({ id, ...endBody(terminal) });

/** The beginning of every event frame of a stream, or of the first one. Names that clients give to streams are ASCII. */
export const eventPrefix = (id: string, dialect?: string): ByteString =>
  `{"type":"event","id":${JSON.stringify(id)}${dialectField(dialect)},"seq":`;

const dialectField = (dialect: string | undefined): string => (dialect === undefined ? "" : `,"dialect":"${dialect}"`);

/** One event. */
export const eventFrame = (prefix: ByteString, entry: Entry): ByteString => `${prefix}${eventFields(entry)}}`;

/** Several events in one frame. */
export const eventsFrame = (id: string, bodies: readonly ByteString[], dialect?: string): ByteString =>
  `{"type":"events","id":${JSON.stringify(id)}${dialectField(dialect)},"events":[${bodies.join(",")}]}`;
