import type { JsonObject, JsonValue } from "./json.ts";
import { isObject } from "./json.ts";

/**
 * What an image or a document counts, in characters: about 1,600 tokens, the most that Anthropic's documents name for
 * one image of the usual size. Its base64 would count a hundred times as many.
 */
const ATTACHMENT_CHARACTERS = 6_400;

/** Where every dialect has its attachments. Text stands under other names, and counts in full whatever it looks like. */
const ATTACHMENTS = new Set(["data", "url", "image_url", "file_data"]);

/** How many characters of a request body a model reads: the texts in it, their names, and attachments at a flat rate. */
export function promptCharacters(value: JsonValue | JsonObject | undefined): number {
  if (typeof value === "string") return value.length + 2;
  if (Array.isArray(value)) return value.reduce((sum: number, item: JsonValue) => sum + promptCharacters(item) + 1, 2);
  if (!isObject(value)) return 4;
  let sum = 2;
  for (const key in value) {
    const size = promptCharacters(value[key]);
    const isAttachment = ATTACHMENTS.has(key) && typeof value[key] === "string";
    sum += key.length + 4 + (isAttachment ? Math.min(size, ATTACHMENT_CHARACTERS) : size);
  }
  return sum;
}
