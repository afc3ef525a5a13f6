import type { ProviderError } from "../../core/dialect/dialect.ts";
import { readProviderError } from "../../core/dialect/provider-error.ts";
import { readRefusal } from "../../core/dialect/refusal-text.ts";
import { asObject, isObject, type JsonObject, type JsonValue } from "../../core/kernel/json.ts";

/** Reads an event that is known to be an error: its fields, or its text if it is not JSON. */
export function readFailure(value: JsonValue | undefined, data: string): ProviderError {
  return (typeof value === "string" || value === undefined ? readRefusal(data) : readProviderError(value)) ?? {};
}

/**
 * Whether JSON in the place of an answer or event is an error in any vendor's form: servers and proxies send these once the
 * status is out. A message alone is not an error, because some servers report progress that way.
 */
export function isFailure(value: JsonValue | undefined): boolean {
  if (Array.isArray(value)) return isFailure(value[0]);
  return isObject(value) && (hasError(value) || (!isAnswer(value) && saysError(value)));
}

/** Fields that no successful answer of any dialect has. */
function hasError({ error, object, base_resp: base }: JsonObject): boolean {
  if (object === "error" || isFull(error)) return true;
  const status = asObject(base)?.status_code;
  return status !== undefined && status !== null && String(status) !== "0";
}

const isFull = (error: JsonValue | undefined): boolean =>
  error === true ||
  (typeof error === "string" && error !== "") ||
  (typeof error === "object" && error !== null && Object.keys(error).length > 0);

/** Whether it has the fields that every event or answer of a dialect has. */
const isAnswer = ({ choices, type, object }: JsonObject): boolean =>
  Array.isArray(choices) || (typeof type === "string" && type !== "error") || typeof object === "string";

/** Errors without an `error` field: `errors`, `detail`, or a message beside a code. */
function saysError(fields: JsonObject): boolean {
  if (fields.type === "error" || isFull(fields.errors) || isFull(fields.detail)) return true;
  const said = readProviderError(fields);
  return said?.message !== undefined && (said.code !== undefined || said.status !== undefined);
}
