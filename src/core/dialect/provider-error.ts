import { asObject, type JsonObject, type JsonValue, parseJson } from "../kernel/json.ts";
import { sanitise } from "../kernel/sanitise.ts";
import type { ProviderError } from "./dialect.ts";
import { errorFields } from "./error-fields.ts";

/** Longest provider message passed on; OpenClaw's schema allows 300 characters. */
const MAX_MESSAGE = 300;

/** Proxies wrap errors in errors; levels beyond this add nothing. */
const MAX_NESTING = 6;

/** Most field errors reported for one request. */
const MAX_ITEMS = 3;

/** Words that look like credentials: long runs after a known prefix or scheme, and long runs of token characters. */
const SECRETS =
  /\b(?:sk|pk|rk|key|tok|ghp|xox[abp])[-_][A-Za-z0-9_*.-]{6,}|\bBearer\s+\S+|\bAIza[\w-]{16,}|[A-Za-z0-9_-]{40,}/gi;

/** A provider's message, fit to be shown: one line, no credentials, bounded. */
export function sanitiseMessage(message: string): string {
  const clean = sanitise(message).replace(SECRETS, "[redacted]").trim();
  if (clean.length <= MAX_MESSAGE) return clean;
  // The cut must not leave half of a surrogate pair.
  return `${clean.slice(0, MAX_MESSAGE - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/**
 * Reads a provider's error from the JSON of an error body or an error event, in the forms of vendors, proxies and
 * frameworks: fields at the top or under `error`, a list of these, `errors`, `detail` (FastAPI, RFC 9457), `base_resp`
 * (MiniMax), `Message` (AWS, Alibaba), and a `message` that is an object or contains JSON. docs/faults.md lists them.
 * Undefined if the value contains no error.
 */
export function readProviderError(value: JsonValue | undefined): ProviderError | undefined {
  const said = typeof value === "object" && value !== null ? read(value, MAX_NESTING) : undefined;
  if (!said) return undefined;
  const { code, message, param, retryAfterMs, status } = said;
  const type = said.type ?? code ?? (status === undefined ? undefined : String(status));
  if (message === undefined && type === undefined) return undefined;
  return {
    ...(type !== undefined && { type: sanitiseMessage(type) }),
    ...(code !== undefined && { code: sanitiseMessage(code) }),
    ...(param !== undefined && { param: sanitiseMessage(param) }),
    ...(message !== undefined && { message: sanitiseMessage(message) }),
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

function read(value: JsonValue, depth: number): ProviderError | undefined {
  if (depth === 0) return undefined;
  if (typeof value === "string") return readText(value, depth);
  if (Array.isArray(value)) return readList(value, depth);
  const object = asObject(value);
  return object && readObject(object, depth);
}

/** A text, or the error in JSON within it: proxies report another server's response as their message. */
function readText(text: string, depth: number): ProviderError | undefined {
  const from = text.search(/[{[]/);
  const to = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"));
  const held = from === -1 || to < from ? undefined : parseJson(text.slice(from, to + 1));
  const said = typeof held === "object" && held !== null ? read(held, depth - 1) : undefined;
  if (said?.message !== undefined) return said;
  return text.trim() === "" ? undefined : { message: text };
}

/** A list of errors, which usually concern several fields of one request. */
function readList(items: readonly JsonValue[], depth: number): ProviderError | undefined {
  const errors = items
    .slice(0, MAX_ITEMS)
    .map((item) => read(item, depth - 1))
    .filter((error) => error !== undefined);
  const messages = errors.flatMap(({ message }) => (message === undefined ? [] : [message]));
  const [first] = errors;
  return first && { ...first, ...(messages.length > 0 && { message: messages.join("; ") }) };
}

function readObject(object: JsonObject, depth: number): ProviderError | undefined {
  const { inner, message, place, ...own } = errorFields(object);
  const below = inner === undefined ? undefined : read(inner, depth - 1);
  const words = message === undefined ? undefined : read(message, depth - 1);
  // An inner error is more specific than its wrapper, and the wrapper more than JSON in its message.
  const said = { ...words, ...defined(own), ...below };
  const text = below?.message === undefined ? located(words?.message, place) : below.message;
  const all = { ...said, ...(text !== undefined && { message: text }) };
  return Object.keys(all).length > 0 ? all : undefined;
}

const located = (message: string | undefined, place: string | undefined): string | undefined =>
  message === undefined || place === undefined || message.includes(place) ? message : `${place}: ${message}`;

/** Without the fields that are undefined. */
const defined = (fields: { readonly [Key in keyof ProviderError]: ProviderError[Key] | undefined }): ProviderError =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
