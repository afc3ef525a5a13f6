import type { Attachment } from "../../../../protocol/openclaw/chat-params.ts";
import { OPENCLAW_ATTACHMENTS } from "../../../../protocol/openclaw/wire.ts";
import type { Part } from "../../../core/dialect/dialect.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";

type Image = Extract<Part, { type: "image" }>;

const DATA_URL = /^data:([^;,]+);base64,/i;
const NOT_BASE64 = /[^A-Za-z0-9+/]/;

/** Searches for a wrong character: a pattern for the whole text would keep millions of positions to backtrack to. */
function isBase64(text: string): boolean {
  const characters = text.replace(/={1,2}$/, "");
  return characters !== "" && !NOT_BASE64.test(characters);
}

/**
 * Whether a text is base64 without white space, in a tenth of the time: the decoder skips characters that are not base64
 * and then returns too few bytes. It also accepts `-` and `_` of base64url.
 */
function isPlainBase64(text: string): boolean {
  const padding = text.endsWith("==") ? 2 : Number(text.endsWith("="));
  const characters = text.length - padding;
  if (characters === 0 || characters % 4 === 1 || text.includes("-") || text.includes("_")) return false;
  return Buffer.from(text, "base64").length === Math.floor((characters * 3) / 4);
}

const bytesOf = (base64: string): number => Math.floor((base64.length * 3) / 4);

/** Reads the images among attachments. Throws `unsupported` for other files, which no dialect carries, and `bad_request`. */
export function readAttachments(attachments: readonly Attachment[] = []): readonly Image[] {
  const images = attachments.map(readImage);
  const bytes = images.reduce((sum, image) => sum + bytesOf(image.base64), 0);
  if (bytes > OPENCLAW_ATTACHMENTS.maxBytes) {
    throw new GatewayError("bad_request", `attachments exceed ${OPENCLAW_ATTACHMENTS.maxBytes} bytes`);
  }
  return images;
}

function readImage(attachment: Attachment): Image {
  const content = typeof attachment.content === "string" ? attachment.content : "";
  const [prefix = "", declared] = DATA_URL.exec(content) ?? [];
  const given = content.slice(prefix.length);
  const isPlain = isPlainBase64(given);
  const base64 = isPlain ? given : given.replace(/\s/g, "");
  const mimeType = attachment.mimeType ?? declared ?? "";
  if (!mimeType.startsWith("image/")) {
    throw new GatewayError("unsupported", "only images can be attached", { details: { mimeType } });
  }
  if (!isPlain && !isBase64(base64)) throw new GatewayError("bad_request", "attachment content must be base64");
  if (bytesOf(base64) > OPENCLAW_ATTACHMENTS.maxImageBytes) {
    throw new GatewayError("bad_request", `an image exceeds ${OPENCLAW_ATTACHMENTS.maxImageBytes} bytes`);
  }
  return { type: "image", mimeType, base64 };
}
