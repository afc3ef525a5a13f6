import type { Attachment } from "../../../../protocol/openclaw/chat-params.ts";
import { OPENCLAW_ATTACHMENTS } from "../../../../protocol/openclaw/wire.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { TranscriptPart } from "../../../core/ports/transcripts.ts";
import { SNIFFED_BYTES, sniff, textOf } from "./file-type.ts";
import { decodedBytes } from "./message-files.ts";

type File = Extract<TranscriptPart, { type: "image" | "document" | "textFile" }>;

/** The largest file of text, in bytes: about 260,000 tokens, more than most models read at once. */
export const MAX_TEXT_FILE_BYTES = 1_048_576;
const MAX_NAME = 255;

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

/**
 * Reads attached files: pictures, PDF documents and files of text, each by its content. Throws `unsupported` for a file that
 * no model reads and `bad_request` for one that is empty, too large or not base64; the message names the file.
 */
export function readAttachments(attachments: readonly Attachment[] = []): readonly File[] {
  let bytes = 0;
  return attachments.map((attachment) => {
    const { base64, declared } = contentOf(attachment);
    bytes += decodedBytes(base64);
    if (bytes > OPENCLAW_ATTACHMENTS.maxBytes) {
      throw wrong(`the attached files exceed ${OPENCLAW_ATTACHMENTS.maxBytes} bytes together`);
    }
    return fileOf(base64, (attachment.mimeType ?? declared ?? "").toLowerCase(), nameOf(attachment));
  });
}

function contentOf(attachment: Attachment) {
  const content = typeof attachment.content === "string" ? attachment.content : "";
  const [prefix = "", declared] = DATA_URL.exec(content) ?? [];
  const given = content.slice(prefix.length);
  if (given === "") throw wrong(`${shown(attachment)} is empty`);
  if (isPlainBase64(given)) return { base64: given, declared };
  const base64 = given.replace(/\s/g, "");
  if (!isBase64(base64)) throw wrong(`${shown(attachment)}: attachment content must be base64`);
  return { base64, declared };
}

function fileOf(base64: string, declared: string, fileName: string | undefined): File {
  const name = fileName ?? "the attached file";
  const mimeType = sniff(Buffer.from(base64.slice(0, SNIFFED_BYTES * 2), "base64"));
  if (mimeType === "application/pdf") {
    return { type: "document", mimeType, base64, fileName: fileName ?? "document.pdf" };
  }
  const size = decodedBytes(base64);
  if (mimeType !== undefined) {
    const { maxImageBytes } = OPENCLAW_ATTACHMENTS;
    if (size > maxImageBytes) throw wrong(`${name} exceeds ${maxImageBytes} bytes, the limit for a picture`);
    return { type: "image", mimeType, base64, ...(fileName !== undefined && { fileName }) };
  }
  const isMedia = /^(image|audio|video)\//.test(declared) && !declared.startsWith("image/svg");
  const isLarge = size > MAX_TEXT_FILE_BYTES;
  // The beginning tells a large text from another large file.
  const bytes = Buffer.from(isLarge ? base64.slice(0, 4096) : base64, "base64");
  const text = isMedia || declared === "application/pdf" ? undefined : textOf(bytes, isLarge);
  if (isLarge && text !== undefined) throw wrong(`${name} exceeds ${MAX_TEXT_FILE_BYTES} bytes, the limit for a text`);
  if (text === undefined) throw unreadable(name, declared);
  return { type: "textFile", mimeType: declared || "text/plain", fileName: fileName ?? "attachment.txt", text };
}

const unreadable = (name: string, declared: string): GatewayError =>
  new GatewayError(
    "unsupported",
    `${name} cannot be sent to a model: only PNG, JPEG, GIF and WebP pictures, PDF documents and UTF-8 texts can`,
    { details: { mimeType: declared.slice(0, MAX_NAME) } },
  );

/** A file's name without folders and control characters; undefined if it has none. */
function nameOf({ fileName }: Attachment): string | undefined {
  const name = fileName?.replace(/^.*[\\/]/s, "").replace(/[\p{Cc}\p{Cf}]/gu, "");
  return name === undefined || name.trim() === "" ? undefined : name.trim().slice(0, MAX_NAME).toWellFormed();
}

const shown = (attachment: Attachment): string => nameOf(attachment) ?? "the attached file";

const wrong = (message: string): GatewayError => new GatewayError("bad_request", message);
