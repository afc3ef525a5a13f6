/** The frames of a server: a provider's events without their SSE framing, and errors. */
import { type ByteString, fromByteString } from "../../../core/kernel/byte-string.ts";
import type { GatewayError } from "../../../core/kernel/errors.ts";
import { asObject, parseJson } from "../../../core/kernel/json.ts";
import type { HttpResponse } from "../../../core/ports/http-face.ts";
import type { Entry } from "../../../core/stream/stream-log.ts";
import { SocketRefusal } from "./socket-refusal.ts";

/**
 * What a frame of our own repeats of a client's at most, in bytes of memory: answers wait for a client that does not read,
 * and no log bounds them.
 */
export const MAX_REPEATED_BYTES = 4_096;

/** What stands before the fields of each event of a lane; empty without a lane. */
export const lanePrefix = (lane: string | undefined): ByteString =>
  lane === undefined ? "" : JSON.stringify({ stream_id: lane }).slice(1, -1);

/**
 * The frame of an event: the provider's JSON as received, with the lane spliced in, and its type if the provider named the
 * event outside its data only. Undefined for data that is no object with a type: clients cannot read it.
 */
export function eventFrame({ event, data, raw }: Entry, prefix: ByteString): ByteString | undefined {
  if (data.startsWith('{"type":"') && !raw) return prefix === "" ? data : `{${prefix},${data.slice(1)}`;
  const value = raw ? undefined : asObject(parseJson(fromByteString(data)));
  const isTyped = typeof value?.type === "string";
  if (!value || (!isTyped && event === undefined)) return undefined;
  const type = isTyped ? "" : `"type":${JSON.stringify(event)}`;
  const fields = data.slice(data.indexOf("{") + 1, data.lastIndexOf("}"));
  return `{${[prefix, type, fields].filter((part) => part.trim() !== "").join(",")}}`;
}

/** A frame of our own, with its lane. */
export const ownFrame = (lane: string | undefined, fields: object): string =>
  JSON.stringify({ ...(lane !== undefined && { stream_id: lane }), ...fields });

/**
 * The error frame of a response that did not begin. `worded` is the error in the form of the HTTP API. The status decides how often
 * agents try again (Codex 0.171, measured): 429 without headers and 400 cost one attempt, 503 six and then HTTP.
 */
export function errorFrame(lane: string | undefined, error: GatewayError, worded: HttpResponse): string {
  const fields = asObject(asObject(parseJson(worded.body))?.error) ?? {};
  const isSpent = fields.type === "insufficient_quota";
  const own = error instanceof SocketRefusal ? { code: error.wireCode, param: error.param ?? null } : {};
  return ownFrame(lane, {
    type: "error",
    status: isSpent || worded.status === 429 ? 429 : error.retryable ? 503 : 400,
    error: { ...fields, ...(isSpent && { code: "insufficient_quota" }), ...own, gateway_code: error.code },
  });
}
