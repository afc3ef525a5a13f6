import type { GatewayError } from "../../core/kernel/errors.ts";
import { asString } from "../../core/kernel/json.ts";
import { type Form, isKeyRefused, isSpent, statusOf } from "./facts.ts";

/** OpenAI's form, of Chat Completions and Responses. */
export function openai(error: GatewayError): Form {
  const { code, message, details } = error;
  const said = { type: asString(details?.type), code: asString(details?.code), param: asString(details?.param) };
  const form = (status: number, type: string, name: string | null) => ({
    status,
    body: { error: { message, type, param: said.param ?? null, code: name, ...(details && { details }) } },
  });
  if (isSpent(error)) return form(400, "insufficient_quota", said.code ?? "insufficient_quota");
  if (isKeyRefused(error)) return form(400, "invalid_request_error", code);
  if (code === "unauthorized") return form(401, "invalid_request_error", "invalid_api_key");
  if (code === "unknown_model" || code === "unknown_route")
    return form(404, "invalid_request_error", "model_not_found");
  const status = statusOf(error);
  if (status === 429) return form(429, said.type ?? "requests", said.code ?? "rate_limit_exceeded");
  // Clients act on codes such as `context_length_exceeded`. A provider that sent a type without a code sent no code.
  if (code.startsWith("upstream_") && said.type !== undefined) return form(status, said.type, said.code ?? null);
  return form(status, status >= 500 ? "server_error" : "invalid_request_error", code);
}
