import { type ErrorDetails, GatewayError } from "../kernel/errors.ts";
import type { ProviderError } from "./dialect.ts";

/** A provider's type and code of a failure, as in an error's `details`. */
export type ErrorNames = Readonly<Partial<Record<"type" | "code", unknown>>>;

/** Words in types and codes, and the HTTP status each stands for. */
const STATUSES: readonly (readonly [RegExp, number])[] = [
  [/overload|unavailable|slow_?down|capacity|busy/, 503],
  [/rate_?limit|throttl/, 429],
  [/quota|billing|balance(?!r)|credit|arrear|overdue|payment/, 402],
  [/too_?many|exhausted|^(?:requests|tokens)$/, 429],
  [/permission|forbidden|denied/, 403],
  [/auth|api_?key/, 401],
  [/not_?found/, 404],
  [/too_?large/, 413],
  [/timeout|timed_?out|deadline/, 504],
  [/invalid|validation|bad_?request|context_?(?:length|size)|unsupported|content_?(?:policy|filter)/, 400],
  [/server|internal|api_error/, 500],
];

/**
 * Messages about exhausted credit, from providers whose types and codes do not say it. The last one is 余额不足, escaped
 * because a single such character in code makes V8 keep the whole bundle with two bytes a character.
 */
const NO_CREDIT =
  /insufficient (?:account )?balance|credit balance is too low|(?:insufficient|out of|used all available) credits|\u4f59\u989d\u4e0d\u8db3/i;

/** The HTTP status that a provider's code or type stands for; undefined if it stands for none. */
export function statusMeant({ type, code }: ErrorNames): number | undefined {
  for (const name of [code, type]) {
    if (typeof name !== "string") continue;
    if (/^[45]\d\d$/.test(name)) return Number(name);
    const status = statusOfWord(name);
    if (status !== undefined) return status;
  }
  return undefined;
}

function statusOfWord(name: string): number | undefined {
  const word = name.toLowerCase();
  return STATUSES.find(([words]) => words.test(word))?.[1];
}

/** Whether the account's credit is exhausted, so that waiting does not help. */
export const isUsedUp = ({ type, code }: ErrorNames, message = ""): boolean =>
  NO_CREDIT.test(message) || [type, code].some((name) => typeof name === "string" && statusOfWord(name) === 402);

/** Whether a failure with this status may be temporary. */
export const mayPass = (status: number | undefined): boolean =>
  status !== undefined && (status === 408 || status === 429 || status >= 500);

/** The provider's words besides the message, for an error's `details`. */
export const providerDetails = ({ type, code, param }: ProviderError): ErrorDetails => ({
  ...(type !== undefined && { type }),
  ...(code !== undefined && { code }),
  ...(param !== undefined && { param }),
});

/** The failure for an error event, retryable if its status, code or type stands for a temporary one. */
export function eventError(said: ProviderError): GatewayError {
  const { message, status, retryAfterMs } = said;
  const meant = status ?? statusMeant(said);
  const isFinal = isUsedUp(said, message);
  return new GatewayError("upstream_error_event", message, {
    details: { ...providerDetails(said), ...(status !== undefined && { status }) },
    retryable: !isFinal && mayPass(meant),
    ...(retryAfterMs !== undefined && !isFinal && { retryAfterMs }),
  });
}
