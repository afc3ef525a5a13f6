import type { ProviderHead } from "../../core/stream/stream-parts.ts";
import type { ResponseHead } from "./response.ts";

/**
 * Header fields passed on to clients: rate limits (the vendors' and the IETF's), waits, processing time, and the account.
 * Everything else is about the gateway's own connection.
 */
const PASSED =
  /^(?:anthropic-(?:ratelimit|priority|fast)-.+|anthropic-organization-id|x-ratelimit-.+|ratelimit(?:-.+)?|retry-after(?:-ms)?|x-should-retry|openai-(?:processing-ms|organization|project|version|model))$/;

/** Header fields with a provider's request id, best first; Cloudflare's is better than none. */
const REQUEST_IDS = [
  "request-id",
  "x-request-id",
  "apim-request-id",
  "x-ms-request-id",
  "x-amzn-requestid",
  "x-amz-request-id",
  "msh-request-id",
  "x-ds-trace-id",
  "trace-id",
  "x-generation-id",
  "x-tt-logid",
  "cf-ray",
];

/** Printable ASCII, longer than any of these values is in practice. */
const VALUE = /^[\x20-\x7e]{1,256}$/;
const MAX_FIELDS = 64;

/** Reads the part of a response's head that is for the client. `mask` redacts the route's secrets. */
export function providerHead({ headers }: ResponseHead, mask: (text: string) => string): ProviderHead {
  const field = (name: string): string | undefined => {
    const value = headers[name];
    const [first] = Array.isArray(value) ? value : [value];
    return first !== undefined && VALUE.test(first) ? mask(first) : undefined;
  };
  const passed = Object.keys(headers)
    .filter((name) => PASSED.test(name))
    .slice(0, MAX_FIELDS)
    .map((name) => [name, field(name)] as const)
    .filter((pair): pair is readonly [string, string] => pair[1] !== undefined);
  return {
    requestId: REQUEST_IDS.map(field).find((id) => id !== undefined),
    headers: Object.fromEntries(passed),
  };
}
