import type { PassedHead } from "../../core/ports/passage.ts";
import { providerHead } from "./provider-head.ts";
import type { ResponseHead } from "./response.ts";

/** What a response that is passed on as it is says about its body. */
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

/** The head of a response that is passed on: what it says about its body, beside what every answer's head says. */
export function passedHead(head: ResponseHead, mask: (text: string) => string): PassedHead {
  const about = ABOUT_BODY.flatMap((name): readonly (readonly [string, string])[] => {
    const value = head.headers[name];
    return typeof value === "string" && VALUE.test(value) ? [[name, mask(value)]] : [];
  });
  const { requestId, headers } = providerHead(head, mask);
  return { status: head.status, requestId, headers: { ...Object.fromEntries(about), ...headers } };
}
