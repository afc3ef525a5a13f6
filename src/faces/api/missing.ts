import type { DialectName } from "../../../protocol/dialects.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpAnswer, HttpExchange, HttpFace } from "../../core/ports/http-face.ts";
import { APIS } from "./apis.ts";
import { MODELS_PATH } from "./models.ts";

/** Paths below `/v1` that are no vendor's. */
const OWN = /^\/v1\/(?:streams?|usage|ticket)(?:\/|$)/;

/** What the vendors' clients ask for, and how. */
const KNOWN = [...APIS.map(({ path }) => ({ method: "POST", path })), { method: "GET", path: MODELS_PATH }];

const tailOf = (path: string): string => path.slice("/v1".length);

/** Pages, which may have any path, are not asked for with POST. */
const isVendors = (method: string, path: string): boolean =>
  (path.startsWith("/v1/") && !OWN.test(path)) || (method === "POST" && meantBy(path) !== undefined);

const meantBy = (path: string) => KNOWN.find((known) => path.endsWith(tailOf(known.path)));

/** Paths of the vendors' APIs that are not served: refused in the vendor's form, naming the path that may be meant. */
export function createMissingFace(parts: {
  readonly wording: { refusal(dialect: DialectName, error: GatewayError): HttpAnswer };
}): HttpFace {
  return {
    name: "missing",
    isForMissing: true,
    matches: isVendors,
    handle({ method, path }) {
      const meant = meantBy(path);
      const advice = meant ? `: ask with ${meant.method} ${meant.path}` : "";
      throw new GatewayError("not_found", `${method} ${path} is not served here${advice}`);
    },
    refusal: (error, asked) => parts.wording.refusal(dialectOf(asked), error),
  };
}

const dialectOf = ({ path, header }: Pick<HttpExchange, "path" | "header">): DialectName =>
  header("anthropic-version") !== undefined || path.includes("/messages") ? "anthropic-messages" : "openai-chat";
