import { INVALID_KEY } from "../../core/dialect/error-fields.ts";
import { isUsedUp, providerDetails } from "../../core/dialect/error-meaning.ts";
import { readRefusal } from "../../core/dialect/refusal-text.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** The head of an answer: names in lower case, a list where a header came more than once. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What may be taken: a stream, a whole JSON answer, or whichever comes. */
export type Wanted = "events" | "answer" | "either";

/**
 * `events`: a stream. `answer`: one JSON value. `unclear`: a success of another content type, whose first bytes tell what
 * it is. `error`: the body says why. `refused`: the body is of no use.
 */
export type Verdict = "events" | "answer" | "unclear" | "error" | "refused";

/** What a call may take. */
export const wantedOf = (
  call: { readonly unary?: boolean | undefined },
  route: { readonly jsonAnswer: boolean },
): Wanted => (call.unary ? "answer" : route.jsonAnswer ? "either" : "events");

/** What is said of an answer that is not what was asked for. */
const UNMET: Readonly<Record<Wanted, string>> = {
  events: "the upstream did not answer with a stream",
  answer: "the upstream did not answer with JSON, and no stream was asked for",
  either: "the upstream answered neither with a stream nor with JSON",
};

/** What servers write into content-encoding for a body that is not packed: RFC 9110's word, and mistakes for it. */
const UNPACKED = new Set(["", "identity", "none", "utf-8", "utf8", "7bit", "8bit", "binary"]);

/** Statuses by which an upstream says that it is too busy; 529 is Anthropic's. */
const OVERLOADED = new Set([503, 529]);

/** What a response is by its head: a stream, a unary answer, a refusal, or unclear until its first bytes. */
export function classify(head: ResponseHead, wanted: Wanted): Verdict {
  if (isRedirect(head) || encodingOf(head) !== "identity") return "refused";
  if (!isSuccess(head)) return "error";
  const type = contentTypeOf(head);
  if (type === "text/event-stream") return wanted === "answer" ? "error" : "events";
  // Where a stream was asked for, what calls itself JSON may still be one.
  return type === "application/json" && wanted === "answer" ? "answer" : "unclear";
}

/**
 * Judges the response to a pass-through request: passed on is any uncompressed success, with a body or without, and the 304
 * that a client asked for by `if-none-match`, which redirects nowhere.
 */
export function passThroughVerdict(head: ResponseHead): "passed" | "error" | "refused" {
  if (head.status === 304) return "passed";
  if (isRedirect(head) || encodingOf(head) !== "identity") return "refused";
  return head.status >= 200 && head.status < 300 ? "passed" : "error";
}

/** What an unclear success is, once its first bytes are there: `found` says what they begin. */
export function clarify(
  head: ResponseHead,
  wanted: Wanted,
  found: "events" | "json" | "other",
): "events" | "answer" | "error" {
  const type = contentTypeOf(head);
  if (found === "events") return wanted === "answer" ? "error" : "events";
  const isJson = found === "json" ? type !== "application/problem+json" : type === "application/json";
  return isJson && wanted !== "events" ? "answer" : "error";
}

/**
 * The failure that a response means which is no answer. `body` is what was read of its body, perhaps cut; of its words the
 * provider's own error alone is passed on, sanitised. `wallMs` is the time of day, for a `retry-after` that is a date; `wanted`
 * says what would have been an answer.
 */
export function responseError(
  head: ResponseHead,
  body: string,
  wallMs: number,
  wanted: Wanted = "events",
): GatewayError {
  const { status } = head;
  const said = readRefusal(body) ?? {};
  // Google refuses a wrong key with 400.
  const details = { status: said.code === INVALID_KEY ? 401 : status, ...providerDetails(said) };
  const bad = (message: string, found: Record<string, string>) =>
    new GatewayError("upstream_bad_response", unrefused(message, body, said.message), {
      details: { ...details, ...found },
    });
  const refused = (code: "upstream_rate_limited" | "upstream_overloaded" | "upstream_http_error", mayPass: boolean) => {
    // No wait brings back a credit that is used up; on everything else the provider's own word counts.
    const isFinal = (status < 500 && isUsedUp(said, said.message)) || status === 402;
    const retryable = !isFinal && (shouldRetry(head) ?? mayPass);
    const retryAfterMs = isFinal ? undefined : (retryAfter(head, wallMs) ?? said.retryAfterMs);
    const message = said.message ?? (code === "upstream_http_error" ? `the upstream answered ${status}` : undefined);
    return new GatewayError(code, message, { details, retryable, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  };

  if (isRedirect(head)) return bad("the upstream redirects, which is not followed", { reason: "redirect" });
  if (status === 429) return refused("upstream_rate_limited", true);
  if (OVERLOADED.has(status)) return refused("upstream_overloaded", true);
  if (status >= 400) return refused("upstream_http_error", status >= 500 || status === 408);
  const encoding = encodingOf(head);
  if (encoding !== "identity") return bad("the upstream compressed its answer unasked", { encoding });
  if (!isSuccess(head)) return bad(`the upstream answered ${status}`, { reason: "status" });
  return bad(UNMET[wanted], { contentType: contentTypeOf(head) });
}

/** A response that is no refusal may be an answer: of a text nothing is repeated, of a page what it says beside `message`. */
function unrefused(message: string, body: string, said: string | undefined): string {
  if (said === undefined) return message;
  if (/^\ufeff?\s*(?:[{[]|data:|event:)/.test(body)) return said;
  return /^\ufeff?\s*</.test(body) ? `${message}: ${said}` : message;
}

/** Any success that has a body. */
const isSuccess = ({ status }: ResponseHead) => status >= 200 && status < 300 && status !== 204 && status !== 205;
const isRedirect = ({ status }: ResponseHead) => status >= 300 && status < 400;

/** The essence of the content type, lower case; "none" when it is missing. */
function contentTypeOf({ headers }: ResponseHead): string {
  const [essence = ""] = last(headers["content-type"]).split(";", 1);
  return essence.trim().toLowerCase().slice(0, 100) || "none";
}

function encodingOf({ headers }: ResponseHead): string {
  const codings = String(headers["content-encoding"] ?? "").toLowerCase();
  const isUnpacked = codings.split(",").every((coding) => UNPACKED.has(coding.trim()));
  return isUnpacked ? "identity" : codings.trim().slice(0, 100);
}

/**
 * How long the upstream asks to wait, in milliseconds: `retry-after-ms` as OpenAI and Azure send it, or Retry-After in
 * seconds or as a date (RFC 9110, 10.2.3). A quota may come back in days, so there is no most.
 */
function retryAfter({ headers }: ResponseHead, wallMs: number): number | undefined {
  const exact = last(headers["retry-after-ms"]).trim();
  const rough = last(headers["retry-after"]).trim();
  const dateMs = rough.endsWith("GMT") ? Date.parse(rough) - wallMs : Number.NaN;
  const waitMs = isNumber(exact) ? Number(exact) : isNumber(rough) ? Number(rough) * 1000 : dateMs;
  return Number.isFinite(waitMs) ? Math.min(Math.max(0, Math.ceil(waitMs)), Number.MAX_SAFE_INTEGER) : undefined;
}

/** What the provider says about a retry, as both vendors' clients read it. */
function shouldRetry({ headers }: ResponseHead): boolean | undefined {
  const value = last(headers["x-should-retry"]).trim().toLowerCase();
  return value === "true" || value === "false" ? value === "true" : undefined;
}

const isNumber = (text: string) => /^\d+(?:\.\d+)?$/.test(text);
const last = (value: string | string[] | undefined): string => (Array.isArray(value) ? value.at(-1) : value) ?? "";
