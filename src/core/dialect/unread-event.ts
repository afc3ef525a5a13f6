import { isObject, type JsonValue } from "../kernel/json.ts";

/** Why an event's data could not be read, though its dialect has JSON objects there: text of the answer may be missing. */
export type Unread = "malformed" | "too_deep" | "not_object";

/** `[DONE]` stands at the end of many streams, whatever their dialect, and some servers keep a stream alive by blanks. */
const isEmpty = (data: string): boolean => data.trim() === "" || data.trim() === "[DONE]";

/** `value` is the data as `parseJson` gives it. Undefined when nothing is wrong. */
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
