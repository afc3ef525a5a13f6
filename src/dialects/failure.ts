import type { ProviderError } from "../core/dialect/dialect.ts";
import { readProviderError, sanitiseMessage } from "../core/dialect/provider-error.ts";
import type { JsonValue } from "../core/kernel/json.ts";

/** JSON that did not parse: it may quote the request, so it is not repeated. */
const BROKEN_JSON = /^\s*[{[]/;

/** What an event says that is an error for certain: its fields, or its text when it is not JSON. */
export function readFailure(value: JsonValue | undefined, data: string): ProviderError {
  const said = readProviderError(value);
  if (said) return said;
  const text = value === undefined ? data : value;
  if (typeof text !== "string" || text === "" || BROKEN_JSON.test(text)) return {};
  return { message: sanitiseMessage(text) };
}
