import type { ProviderHead } from "../../core/stream/provider-head.ts";
import type { ResponseHead } from "./response.ts";

/**
 * Fields that pass to the client: what the vendors' SDKs read, rate limits in the vendors' forms and in the IETF's, how long
 * the provider worked, and whose account it was. Everything else speaks about a connection that is not the client's.
 */
const PASSED =
  /^(?:anthropic-(?:ratelimit|priority|fast)-.+|anthropic-organization-id|x-ratelimit-.+|ratelimit(?:-.+)?|retry-after(?:-ms)?|x-should-retry|openai-(?:processing-ms|organization|project|version|model))$/;

/** Where providers put their id of a request, the most telling first; Cloudflare's is better than none. */
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

/** Visible ASCII and blanks, of a length that none of these fields has. */
const VALUE = /^[\x20-\x7e]{1,256}$/;
const MAX_FIELDS = 64;

/** What of a response's head is for the client. `mask` takes the route's secrets out of a text. */
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
