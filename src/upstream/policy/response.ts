import { readProviderCode, readProviderError } from "../../core/dialect/provider-error.ts";
import { type ErrorOptions, GatewayError } from "../../core/kernel/errors.ts";
import { parseJson } from "../../core/kernel/json.ts";

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

/** What servers write into content-encoding for a body that is not packed: RFC 9110's word, and mistakes for it. */
const UNPACKED = new Set(["", "identity", "none", "utf-8", "utf8", "7bit", "8bit", "binary"]);

/** Longest wait an upstream's Retry-After is believed. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** Statuses by which an upstream says that it is too busy; 529 is Anthropic's. */
const OVERLOADED = new Set([503, 529]);

/** OpenAI's word, in its type or its code, and that of most who speak as it does. */
const QUOTA = "insufficient_quota";

export function classify(head: ResponseHead, wanted: Wanted): Verdict {
  if (isRedirect(head) || encodingOf(head) !== "identity") return "refused";
  if (!isSuccess(head)) return "error";
  const type = contentTypeOf(head);
  if (type === "text/event-stream") return wanted === "answer" ? "error" : "events";
  // Where a stream was asked for, what calls itself JSON may still be one.
  return type === "application/json" && wanted === "answer" ? "answer" : "unclear";
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
 * The failure that an answer means which is no stream. `body` is what was read of it, perhaps cut; of its words only
 * the provider's own error message is passed on, sanitised.
 */
export function responseError(head: ResponseHead, body: string, wallMs: number): GatewayError {
  const { status } = head;
  const value = parseJson(body);
  const said = readProviderError(value);
  const code = readProviderCode(value);
  const details = { status, ...(said?.type !== undefined && { type: said.type }), ...(code !== undefined && { code }) };
  const retryAfterMs = retryAfter(head, wallMs);
  const options = { details, ...(retryAfterMs !== undefined && { retryAfterMs }) } satisfies ErrorOptions;
  const bad = (message: string, found: Record<string, string>) =>
    new GatewayError("upstream_bad_response", said?.message ?? message, { details: { ...details, ...found } });

  if (isRedirect(head)) return bad("the upstream redirects, which is not followed", { reason: "redirect" });
  // No wait brings back a quota that is used up.
  if (status === 429 && (said?.type === QUOTA || code === QUOTA)) {
    return new GatewayError("upstream_rate_limited", said?.message, { details, retryable: false });
  }
  if (status === 429) return new GatewayError("upstream_rate_limited", said?.message, options);
  if (OVERLOADED.has(status)) return new GatewayError("upstream_overloaded", said?.message, options);
  if (status >= 400) {
    const message = said?.message ?? `the upstream answered ${status}`;
    return new GatewayError("upstream_http_error", message, { ...options, retryable: status >= 500 || status === 408 });
  }
  const encoding = encodingOf(head);
  if (encoding !== "identity") return bad("the upstream compressed its answer unasked", { encoding });
  if (status !== 200) return bad(`the upstream answered ${status}`, { reason: "status" });
  return bad("the upstream did not answer with a stream", { contentType: contentTypeOf(head) });
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

/** `retry-after-ms` as OpenAI and Azure send it, or Retry-After in seconds or as a date (RFC 9110 10.2.3). */
function retryAfter({ headers }: ResponseHead, wallMs: number): number | undefined {
  const exact = last(headers["retry-after-ms"]).trim();
  const rough = last(headers["retry-after"]).trim();
  const dateMs = rough.endsWith("GMT") ? Date.parse(rough) - wallMs : Number.NaN;
  const waitMs = isNumber(exact) ? Number(exact) : isNumber(rough) ? Number(rough) * 1000 : dateMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(0, Math.ceil(waitMs)), MAX_RETRY_AFTER_MS);
}

const isNumber = (text: string) => /^\d+(?:\.\d+)?$/.test(text);
const last = (value: string | string[] | undefined): string => (Array.isArray(value) ? value.at(-1) : value) ?? "";
