import type { JsonObject, JsonValue } from "./json.ts";
import { isObject } from "./json.ts";

/**
 * What an image or a document counts, in characters: about 1,600 tokens, the most that Anthropic's documents name for
 * one image of the usual size. Its base64 would count a hundred times as many.
 */
const ATTACHMENT_CHARACTERS = 6_400;

/** Data this long without a space is nobody's text. */
const LEAST_ATTACHMENT = 2_048;

const isAttachment = (text: string): boolean =>
  text.length >= LEAST_ATTACHMENT && (text.startsWith("data:") || !text.slice(0, LEAST_ATTACHMENT).includes(" "));

/** How many characters of a request body a model reads: the texts in it, their names, and attachments at a flat rate. */
export function promptCharacters(value: JsonValue | JsonObject | undefined): number {
  if (typeof value === "string") return isAttachment(value) ? ATTACHMENT_CHARACTERS : value.length + 2;
  if (Array.isArray(value)) return value.reduce((sum: number, item: JsonValue) => sum + promptCharacters(item) + 1, 2);
  if (!isObject(value)) return 4;
  let sum = 2;
  for (const key in value) sum += key.length + 4 + promptCharacters(value[key]);
  return sum;
}
