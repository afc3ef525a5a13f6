import { copyOf, fromByteString, toByteString } from "../kernel/byte-string.ts";
import { asObject, type JsonObject, type JsonValue, jsonSize, parseJson } from "../kernel/json.ts";
import type { Entry } from "./stream-log.ts";

/** What is kept of one event at most, in bytes: a stream's share of memory (`STREAM_BYTES`) has room for two. */
export const MAX_KEPT_BYTES = 16_384;

/** Values up to this size stay as they are, in bytes of memory. */
const SMALL_BYTES = 1_024;
/** Fields that stay of one object. */
const MAX_FIELDS = 64;

/**
 * An event for as long as its stream runs, after the log has let go of it: a large one without its long texts and lists. What
 * a failure's own events need stays: types, ids, numbers.
 */
export function keptEvent(entry: Entry): Entry {
  if (entry.data.length <= MAX_KEPT_BYTES) return entry;
  const event = asObject(parseJson(fromByteString(entry.data))) ?? {};
  const data = toByteString(JSON.stringify(pruned(event, 2)));
  if (data.length <= MAX_KEPT_BYTES) return { ...entry, data };
  const { type, sequence_number } = event;
  return { ...entry, data: toByteString(JSON.stringify(pruned({ type, sequence_number } as JsonObject, 1))) };
}

/** A stream's first event, kept in memory of its own: what it is a slice of is a whole read, which nobody else needs for long. */
export function firstEvent(entry: Entry): Entry {
  const kept = keptEvent(entry);
  return { ...kept, data: copyOf(kept.data) };
}

function pruned(value: JsonValue, depth: number): JsonValue {
  if (jsonSize(value) <= SMALL_BYTES) return value;
  if (typeof value === "string") return "";
  if (Array.isArray(value)) return [];
  const fields = depth > 0 ? Object.entries(asObject(value) ?? {}).slice(0, MAX_FIELDS) : [];
  return Object.fromEntries(fields.map(([name, field]) => [name, pruned(field ?? null, depth - 1)]));
}
