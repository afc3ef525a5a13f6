import { CODES, type Code } from "../../../protocol/codes.ts";
import { isUsedUp } from "../../core/dialect/error-meaning.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { asNumber, asString } from "../../core/kernel/json.ts";

/** Which of a route's limits ran out, by the timer that an `upstream_timeout` names. */
const TIMEOUTS: Readonly<Record<string, string>> = {
  headers: "The provider did not begin its answer in time",
  first_event: "The provider did not begin its answer in time",
  idle: "The provider sent nothing more for too long, and the answer is not complete",
  progress: "The provider sent no more of the answer for too long, and it is not complete",
  total: "The answer took longer than the route allows, and is not complete",
  run: "The answer took longer than the client allows, and is not complete",
};

/** What happened, without the provider's words. */
const SENTENCES: Readonly<Partial<Record<Code, (error: GatewayError) => string>>> = {
  upstream_unreachable: ({ details }) => {
    const reason = asString(details?.reason) ?? "";
    // A system's code helps the operator; our own reasons stand in the message.
    return `The provider cannot be reached${/^[A-Z]/.test(reason) ? `, ${reason}` : ""}`;
  },
  upstream_not_allowed: () => "The gateway's configuration does not allow the provider's address",
  upstream_rate_limited: ({ retryable }) =>
    retryable ? "The provider accepts no more requests at the moment" : "The provider's quota is used up",
  upstream_overloaded: () => "The provider is overloaded",
  upstream_http_error: ({ details, message }) => {
    if (details?.status === 402 || isUsedUp(details ?? {}, message)) return "The provider's quota is used up";
    const status = asNumber(details?.status);
    const failed = status !== undefined && status >= 500;
    return `The provider ${failed ? "failed" : "refused the request"}${status === undefined ? "" : ` with status ${status}`}`;
  },
  upstream_bad_response: () => "The provider sent something that is no answer of a model",
  upstream_timeout: ({ details }) => TIMEOUTS[asString(details?.timer) ?? ""] ?? "The provider took too long",
  upstream_reset: () => "The provider closed the connection before the answer was complete",
  upstream_truncated: () => "The provider's answer ended before it was complete",
  upstream_protocol: () => "The provider sent an answer that cannot be read",
  upstream_error_event: () => "The provider reported an error",
  event_too_large: () =>
    "The provider sent a larger piece of an answer than is accepted, and the answer is not complete",
  owner_lost: () => "The part of the gateway that wrote the answer is gone, and the answer is not complete",
  shutting_down: () => "The gateway is stopping",
  client_gone: () => "The answer was given up because its client left",
  slow_consumer: () => "The answer was given up because its client did not read it",
  internal: () => "A fault in the gateway ended the answer; its log says more",
};

/** Failures that concern the route's upstream. */
const isUpstream = (code: Code): boolean => code.startsWith("upstream_") || code === "event_too_large";

/** A message of ours or of the provider, as a sentence without its full stop. A first word such as `a.zip` stays as it is. */
const sentence = (text: string): string =>
  text.replace(/^[a-z](?=[a-z]*(?:[\s,:]|$))/, (letter) => letter.toUpperCase()).replace(/\.$/, "");

/** The part of a message that says more than its code. */
function moreOf({ code, message, details }: GatewayError): string | undefined {
  if (message === "" || message === CODES[code].meaning || message === `the upstream answered ${details?.status}`)
    return;
  return message;
}

function withRoute(error: GatewayError, route: string | undefined): string {
  const what = SENTENCES[error.code]?.(error) ?? "The provider failed";
  const more = moreOf(error);
  // It names the route, and says that the key is refused.
  if (error.details?.reason === "key_refused" && more !== undefined) return sentence(more);
  const where = route === undefined ? "" : ` (route ${route})`;
  return more === undefined ? `${what}${where}` : `${what}${where}: ${more.replace(/\.$/, "")}`;
}

function withoutRoute(error: GatewayError): string {
  return sentence(moreOf(error) ?? SENTENCES[error.code]?.(error) ?? CODES[error.code].meaning);
}

/** How long to wait, if the failure tells. */
function wait({ retryAfterMs, retryable }: GatewayError): string {
  return retryAfterMs === undefined || !retryable
    ? ""
    : ` Try again in ${Math.max(1, Math.ceil(retryAfterMs / 1_000))} s.`;
}

/** A failure as the person who chats reads it: what happened, on which route, in the provider's words, and when to try again. */
export function failureWords(error: GatewayError, route?: string): string {
  const what = isUpstream(error.code) ? withRoute(error, route) : withoutRoute(error);
  return `${what}.${wait(error)}`;
}

/** The same failure with that message. */
export function inWords(error: GatewayError, route: string): GatewayError {
  const { code, details, retryable, retryAfterMs, cause } = error;
  return new GatewayError(code, failureWords(error, route), {
    ...(details && { details }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    retryable,
    cause,
  });
}
