import { GatewayError } from "../../core/kernel/errors.ts";

/** Headers of every request. Compressed streams arrive in lumps, so only identity is accepted. */
const ALWAYS = {
  "content-type": "application/json",
  "cache-control": "no-cache",
  "accept-encoding": "identity",
} as const;

/** Headers a dialect may set: keys and the vendors' own switches. */
const ALLOWED = /^(?:authorization|x-api-key|x-goog-api-key|api-key|anthropic-.+|openai-.+)$/;

/** Headers about the connection or the client; never sent, even if configured. */
const NEVER =
  /^(?:host|cookie2?|connection|keep-alive|proxy-.+|te|trailer|transfer-encoding|content-length|content-encoding|upgrade|http2-settings|expect|via|forwarded|x-forwarded-.+|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/;

/** What a pass-through request may say besides: about its body and what it accepts. */
const PASSED = ["accept", "content-type", "idempotency-key", "if-match", "if-none-match", "if-range", "range"] as const;

/** Field values (RFC 9110, 5.5): visible characters, spaces, tabs and bytes above ASCII; no line ends, no NUL. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The headers of one request. Names outside the allow-list and `alsoAllowed` (lower case) are left out.
 * Throws GatewayError `internal`, naming the header and never its value, when a value cannot be sent.
 */
export function requestHeaders(
  given: Readonly<Record<string, string>>,
  userAgent: string,
  alsoAllowed: ReadonlySet<string>,
  accept = "text/event-stream",
): Record<string, string> {
  return Object.assign(allowedOf(given, userAgent, alsoAllowed), ALWAYS, { accept });
}

/** The same for a pass-through request: what it says about its body, and what it accepts, are the client's own. */
export function passThroughHeaders(
  given: Readonly<Record<string, string>>,
  userAgent: string,
  alsoAllowed: ReadonlySet<string>,
): Record<string, string> {
  const allowed = allowedOf(given, userAgent, new Set([...alsoAllowed, ...PASSED]));
  return Object.assign(allowed, { "accept-encoding": "identity" });
}

function allowedOf(
  given: Readonly<Record<string, string>>,
  userAgent: string,
  alsoAllowed: ReadonlySet<string>,
): Record<string, string> {
  const headers: Record<string, string> = { "user-agent": userAgent };
  for (const [written, value] of Object.entries(given)) {
    const name = written.toLowerCase();
    if (NEVER.test(name) || !(ALLOWED.test(name) || alsoAllowed.has(name))) continue;
    if (!VALUE.test(value)) {
      const details = { header: name };
      throw new GatewayError("internal", `the header ${name} cannot be sent`, { details, retryable: false });
    }
    headers[name] = value;
  }
  return headers;
}
