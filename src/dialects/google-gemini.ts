import type { Dialect } from "../core/dialect/dialect.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { asObject, type JsonObject } from "../core/kernel/json.ts";
import { GeminiChunks } from "./gemini/chunks.ts";
import { geminiConversation } from "./gemini/conversation.ts";
import { asCount } from "./reading/token-counts.ts";

/**
 * Google's Gemini API, `models/{model}:streamGenerateContent`, and Vertex AI, which has the same. The base URL includes the
 * version, and on Vertex AI the project, the location and the publisher.
 */
export const googleGemini: Dialect = {
  name: "google-gemini",
  endsAtEof: false,
  modelInPath: true,

  address: (key, call) => ({
    path: call
      ? `/${resource(call.model)}:${call.unary ? "generateContent" : "streamGenerateContent?alt=sse"}`
      : "/models",
    headers: key === undefined ? {} : { "x-goog-api-key": key },
  }),

  // Google rejects a body with fields that it does not know.
  body: ({ body: { model: _, stream: __, ...body } }) => body,

  conversation: geminiConversation,

  outputLimit(body) {
    const config = configOf(body).value;
    const each = asCount(config.maxOutputTokens ?? config.max_output_tokens);
    return each === undefined ? undefined : each * candidates(body);
  },

  limited(body, outputTokens) {
    const { name, value } = configOf(body);
    const { max_output_tokens: _, ...config } = value;
    const maxOutputTokens = Math.max(1, Math.floor(outputTokens / candidates(body)));
    return { ...body, [name]: { ...config, maxOutputTokens } };
  },

  decoder: (asked) => new GeminiChunks(asked && candidates(asked), asked?.stream === false),
};

/** `models/gemini-2.5-pro`, from a model's id or its full name. Google's own clients also know `tunedModels/…`. */
function resource(model: string | undefined): string {
  if (!model) throw new GatewayError("bad_request", "the body names no model");
  const [, collection = "models", id = ""] = /^(?:(models|tunedModels)\/)?(.*)$/s.exec(model) ?? [];
  // A proxy that decodes `%2f` would read another path.
  if (id.split("/").some((part) => /^\.{0,2}$/.test(part)))
    throw new GatewayError("bad_request", "this is no model's name");
  return `${collection}/${encodeURIComponent(id)}`;
}

/** The generation parameters. Google takes fields in both spellings. */
function configOf(body: JsonObject): { readonly name: string; readonly value: JsonObject } {
  const name = asObject(body.generation_config) ? "generation_config" : "generationConfig";
  return { name, value: asObject(body[name]) ?? {} };
}

/** The number of answers requested. The output limit applies to each. */
function candidates(body: JsonObject): number {
  const { value } = configOf(body);
  return Math.max(1, asCount(value.candidateCount ?? value.candidate_count) ?? 1);
}
