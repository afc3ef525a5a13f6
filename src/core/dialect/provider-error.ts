import { asNumber, asObject, asString, type JsonValue } from "../kernel/json.ts";
import { sanitise } from "../kernel/sanitise.ts";
import type { ProviderError } from "./dialect.ts";

/** Longest provider message passed on; OpenClaw's schema allows 300 characters. */
const MAX_MESSAGE = 300;

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
 * What the provider says went wrong, from an error body or an error event: `{error: {type, code, message}}`,
 * `{error: "text"}`, or the fields at the top. Undefined when there is nothing of the kind.
 */
export function readProviderError(value: JsonValue | undefined): ProviderError | undefined {
  const top = asObject(value);
  if (!top) return undefined;
  const inner = asObject(top.error) ?? top;
  const message = asString(top.error) ?? asString(inner.message);
  const type =
    [inner.type, inner.code, inner.status].find((name) => typeof name === "string") ?? asNumber(inner.code)?.toString();
  if (message === undefined && type === undefined) return undefined;
  return {
    ...(typeof type === "string" && { type: sanitiseMessage(type) }),
    ...(message !== undefined && { message: sanitiseMessage(message) }),
  };
}

/** The provider's code besides its type, such as `context_length_exceeded` of an `invalid_request_error`. */
export function readProviderCode(value: JsonValue | undefined): string | undefined {
  const top = asObject(value);
  const { type, code } = asObject(top?.error) ?? top ?? {};
  return typeof code === "string" && typeof type === "string" && code !== type ? sanitiseMessage(code) : undefined;
}
