import type { JsonObject } from "../core/kernel/json.ts";

const TYPES: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  401: ["invalid_request_error", "invalid_api_key"],
  404: ["invalid_request_error", "model_not_found"],
  429: ["requests", "rate_limit_exceeded"],
};

/** The error body of both OpenAI dialects. */
export function openaiErrorBody(status: number, message: string): JsonObject {
  const [type, code] = TYPES[status] ?? [status < 500 ? "invalid_request_error" : "server_error", null];
  return { error: { message, type, param: null, code } };
}
