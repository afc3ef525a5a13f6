import { type ErrorDetails, GatewayError } from "../../core/kernel/errors.ts";
import { asNumber, asObject, asString, type JsonObject, parseJson } from "../../core/kernel/json.ts";

/** Words in the types and codes of providers' errors, and the HTTP status each stands for. */
const STATUSES: readonly (readonly [RegExp, number])[] = [
  [/overload|unavailable|slow_?down|capacity|busy/, 503],
  [/quota|billing|balance|credit/, 402],
  [/rate_?limit|too_?many|throttl|exhausted|^(?:requests|tokens)$/, 429],
  [/auth|api_?key/, 401],
  [/permission|forbidden|denied/, 403],
  [/not_?found/, 404],
  [/too_?large/, 413],
  [/timeout|timed_?out|deadline/, 504],
  [/invalid|validation|bad_?request|context_?length|context_?size|unsupported|content_?(?:policy|filter)/, 400],
  [/server|internal|api_error/, 500],
];

/**
 * Turns a provider's error event (`upstream_error_event`) into the refusal it would have been as an HTTP status, taken from
 * the number or name in `data`, the event's data. Returns the error unchanged if the event contains neither.
 */
export function asRefusal(error: GatewayError, data: string): GatewayError {
  const event = asObject(parseJson(data));
  const said = asObject(event?.error) ?? asObject(asObject(event?.response)?.error) ?? event ?? {};
  const status = numberIn(said) ?? statusOf(asString(said.code)) ?? statusOf(asString(error.details?.type));
  if (status === undefined) return error;
  const details = { ...error.details, status };
  const refusal = (code: "upstream_rate_limited" | "upstream_overloaded" | "upstream_http_error", retryable: boolean) =>
    new GatewayError(code, error.message, { details: details satisfies ErrorDetails, retryable });
  // Waiting does not restore an exhausted quota.
  if (status === 402) return refusal("upstream_rate_limited", false);
  if (status === 429) return refusal("upstream_rate_limited", true);
  if (status === 503 || status === 529) return refusal("upstream_overloaded", true);
  return refusal("upstream_http_error", status >= 500 || status === 408);
}

/** An HTTP status in one of the fields providers use for it, as a number or a string. */
function numberIn(said: JsonObject): number | undefined {
  const numbers = [said.code, said.status, said.status_code, said.http_code].map(
    (value) => asNumber(value) ?? (/^\d{3}$/.test(asString(value) ?? "") ? Number(value) : undefined),
  );
  return numbers.find((number) => number !== undefined && Number.isInteger(number) && number >= 400 && number < 600);
}

const statusOf = (name: string | undefined): number | undefined =>
  name === undefined ? undefined : STATUSES.find(([words]) => words.test(name.toLowerCase()))?.[1];
