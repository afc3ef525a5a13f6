import { isObject, type JsonValue } from "../kernel/json.ts";

/** Why an event of a JSON dialect could not be decoded. The decoded answer may then lack text. */
export type Unread = "malformed" | "too_deep" | "not_object";

/** Whether an event is no JSON on purpose: servers of every dialect send `[DONE]`, and some send blank ones as a sign of life. */
export function isEmpty(data: string): boolean {
  const text = data.trim();
  return text === "" || text === "[DONE]";
}

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
