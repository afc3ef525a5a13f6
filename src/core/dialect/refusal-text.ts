import { asArray, asString, type JsonValue, parseJson } from "../kernel/json.ts";
import { parseLenientJson } from "../kernel/lenient-json.ts";
import type { ProviderError } from "./dialect.ts";
import { pageWords } from "./page-words.ts";
import { readProviderError, sanitiseMessage } from "./provider-error.ts";

const EVENT_LINE = /^(?:data|event|id|retry|error)?:/;
const JSON_START = /^[{[]/;
const MARKUP = /^<[!?a-z]/i;

/** The message in truncated JSON: the first text under a usual name. */
const CUT_MESSAGE = /"(?:message|msg|detail|error|error_msg|errorMessage)"\s*:\s*("(?:[^"\\]|\\.){1,2000}")/i;

/**
 * Reads a provider's error from the body of a refusal, whatever its format: JSON as in `readProviderError`, also with small
 * syntax errors, one value per line, or truncated; the same framed as server-sent events; HTML or XML; plain text. JSON
 * without a recognised error may quote the request, so none of it is used. Undefined if there is no message or type.
 */
export function readRefusal(text: string): ProviderError | undefined {
  const trimmed = text.replace(/^\ufeff/, "").trim();
  if (EVENT_LINE.test(trimmed)) return readEvents(trimmed);
  if (JSON_START.test(trimmed)) return readJson(trimmed);
  const message = sanitiseMessage(
    MARKUP.test(trimmed) ? pageWords(trimmed) : (asString(parseJson(trimmed)) ?? trimmed),
  );
  return message === "" ? undefined : { message };
}

function readJson(text: string): ProviderError | undefined {
  const [firstLine = ""] = text.split("\n", 1);
  const value = jsonOf(text) ?? jsonOf(firstLine);
  if (value !== undefined) return readProviderError(value);
  const literal = CUT_MESSAGE.exec(text)?.[1];
  const message = literal === undefined ? undefined : asString(asArray(jsonOf(`[${literal}]`))[0]);
  return message === undefined ? undefined : { message: sanitiseMessage(message) };
}

const jsonOf = (text: string): JsonValue | undefined => parseJson(text) ?? parseLenientJson(text);

/** The first event with an error. llama.cpp has its own `error` field. */
function readEvents(text: string): ProviderError | undefined {
  for (const event of text.split(/(?:\r\n|\r|\n){2}/)) {
    const lines = event.split(/\r\n|\r|\n/).map((line) => /^(?:data|error): ?(.*)/.exec(line)?.[1]);
    const data = lines
      .filter((line) => line !== undefined)
      .join("\n")
      .trim();
    const said = data === "" || data === "[DONE]" || EVENT_LINE.test(data) ? undefined : readRefusal(data);
    if (said) return said;
  }
  return undefined;
}
