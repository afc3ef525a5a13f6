import type { DialectName } from "../../../protocol/dialects.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange, HttpFace, HttpResponse } from "../../core/ports/http-face.ts";
import { MODELS_PATH } from "./models.ts";
import { APIS } from "./request/apis.ts";

/** Sluice's own paths below `/v1`. */
const OWN = /^\/v1\/(?:streams?|usage|ticket)(?:\/|$)/;

/** The vendors' endpoints that are served. */
const KNOWN = [...APIS.map(({ path }) => ({ method: "POST", path })), { method: "GET", path: MODELS_PATH }];

const MAX_SHOWN = 128;

const tailOf = (path: string): string => path.slice("/v1".length);

/** Outside `/v1`, only POST requests count: a GET may be for a page. */
const isVendors = (method: string, path: string): boolean =>
  ((path.startsWith("/v1/") || path.startsWith("/v1beta/")) && !OWN.test(path)) ||
  (method === "POST" && meantBy(path) !== undefined);

const meantBy = (path: string) => KNOWN.find((known) => path.endsWith(tailOf(known.path)));

/** Refuses unknown paths of the vendors' APIs with 404 in the vendor's form, and names the endpoint that was probably meant. */
export function createMissingFace(parts: {
  readonly wording: { refusal(dialect: DialectName, error: GatewayError): HttpResponse };
}): HttpFace {
  return {
    name: "missing",
    isForMissing: true,
    matches: isVendors,
    handle({ method, path }) {
      const meant = meantBy(path);
      const advice = meant ? `: ask with ${meant.method} ${meant.path}` : "";
      throw new GatewayError("not_found", `${method} ${path.slice(0, MAX_SHOWN)} is not served here${advice}`);
    },
    refusal: (error, asked) => parts.wording.refusal(dialectOf(asked), error),
  };
}

function dialectOf({ path, header }: Pick<HttpExchange, "path" | "header">): DialectName {
  if (path.includes("/v1beta/") || header("x-goog-api-key") !== undefined) return "google-gemini";
  return header("anthropic-version") !== undefined || path.includes("/messages") ? "anthropic-messages" : "openai-chat";
}
