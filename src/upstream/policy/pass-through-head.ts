import type { PassThroughHead } from "../../core/ports/pass-through.ts";
import { providerHead } from "./provider-head.ts";
import type { ResponseHead } from "./response.ts";

/** What the head of a pass-through response says about its body. */
const ABOUT_BODY = [
  "accept-ranges",
  "content-disposition",
  "content-language",
  "content-length",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
];

/** One line, of printable ASCII and bytes above it, as file names have. */
const VALUE = /^[\x20-\x7e\x80-\xff]{1,1024}$/;

/** What of a response's head the client gets: what it says about its body, besides what every answer's head says. */
export function passThroughHead(head: ResponseHead, mask: (text: string) => string): PassThroughHead {
  const about = ABOUT_BODY.flatMap((name): readonly (readonly [string, string])[] => {
    const value = head.headers[name];
    return typeof value === "string" && VALUE.test(value) ? [[name, mask(value)]] : [];
  });
  const { requestId, headers } = providerHead(head, mask);
  return { status: head.status, requestId, headers: { ...Object.fromEntries(about), ...headers } };
}
