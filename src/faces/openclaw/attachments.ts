import type { Attachment } from "../../../protocol/openclaw/chat-params.ts";
import { OPENCLAW_ATTACHMENTS } from "../../../protocol/openclaw/wire.ts";
import type { Part } from "../../core/dialect.ts";
import { GatewayError } from "../../core/errors.ts";

type Image = Extract<Part, { type: "image" }>;

const DATA_URL = /^data:([^;,]+);base64,/i;
const NOT_BASE64 = /[^A-Za-z0-9+/]/;

/** Looks for what is wrong: a pattern for the whole would remember every one of millions of characters to go back to. */
const isBase64 = (text: string): boolean => text !== "" && !NOT_BASE64.test(text.replace(/={1,2}$/, ""));

const bytesOf = (base64: string): number => Math.floor((base64.length * 3) / 4);

/** Attachments as images of a message. Anything else than an image is refused: no dialect here carries files. */
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
  const base64 = content.slice(prefix.length).replace(/\s/g, "");
  const mimeType = attachment.mimeType ?? declared ?? "";
  if (!mimeType.startsWith("image/")) {
    throw new GatewayError("unsupported", "only images can be attached", { details: { mimeType } });
  }
  if (!isBase64(base64)) throw new GatewayError("bad_request", "attachment content must be base64");
  if (bytesOf(base64) > OPENCLAW_ATTACHMENTS.maxImageBytes) {
    throw new GatewayError("bad_request", `an image exceeds ${OPENCLAW_ATTACHMENTS.maxImageBytes} bytes`);
  }
  return { type: "image", mimeType, base64 };
}
