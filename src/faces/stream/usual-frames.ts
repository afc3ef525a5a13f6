import {
  type AckFrame,
  type ClientFrame,
  MAX_NAME_LENGTH,
  type OpenFrame,
  STREAM_ID,
} from "../../../protocol/stream.ts";
import { isObject, type JsonObject } from "../../core/kernel/json.ts";

const OPEN_FIELDS = new Set(["type", "id", "model", "route", "body", "idempotencyKey", "flow", "batch", "away"]);
const ACK_FIELDS = new Set(["type", "received", "streams"]);

/**
 * Reads an open or an ack of the usual form without the schema. The schema accepts the same frames (a test checks it) but
 * takes ten times as long while its code is not in the processor's cache, which would delay every first token. Returns
 * undefined for any other frame, for the schema to check.
 */
export function usualFrame(value: JsonObject): ClientFrame | undefined {
  if (value.type === "ack") return isUsualAck(value) ? value : undefined;
  return isUsualOpen(value) ? value : undefined;
}

function isUsualOpen(value: JsonObject): value is JsonObject & OpenFrame {
  const { type, id, model, route, body, idempotencyKey, flow, batch, away } = value;
  return (
    type === "open" &&
    isId(id) &&
    (model === undefined ? isName(route) : isName(model) && route === undefined) &&
    isObject(body) &&
    (idempotencyKey === undefined || isName(idempotencyKey)) &&
    (batch === undefined || typeof batch === "boolean") &&
    (flow === undefined || flow === "none" || flow === "ack") &&
    (away === undefined || away === "continue" || away === "finish" || away === "cancel") &&
    hasOnly(value, OPEN_FIELDS)
  );
}

function isUsualAck(value: JsonObject): value is JsonObject & AckFrame {
  const { received, streams } = value;
  return (
    (received === undefined || isCount(received)) &&
    (streams === undefined || (isObject(streams) && Object.entries(streams).every((ack) => isStreamAck(...ack)))) &&
    hasOnly(value, ACK_FIELDS)
  );
}

const isStreamAck = (id: string, seq: unknown): boolean => isId(id) && isCount(seq);
const isId = (value: unknown): boolean => typeof value === "string" && STREAM_ID.test(value);
const isName = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= MAX_NAME_LENGTH;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function hasOnly(value: JsonObject, fields: ReadonlySet<string>): boolean {
  for (const key in value) if (!fields.has(key)) return false;
  return true;
}
