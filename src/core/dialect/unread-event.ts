import { isObject, type JsonValue } from "../kernel/json.ts";

/** Why an event of a JSON dialect could not be decoded. The decoded answer may then lack text. */
export type Unread = "malformed" | "too_deep" | "not_object";

/** Servers of every dialect send `[DONE]`, and some send blank events to keep a stream alive. */
const isEmpty = (data: string): boolean => data.trim() === "" || data.trim() === "[DONE]";

/** Why an event is unread; undefined if it is fine. `value` is what `parseJson` returns for `data`. */
export function whyUnread(value: JsonValue | undefined, data: string): Unread | undefined {
  if (isObject(value) || isEmpty(data)) return undefined;
  if (value !== undefined) return "not_object";
  return isJson(data) ? "too_deep" : "malformed";
}

function isJson(data: string): boolean {
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}
