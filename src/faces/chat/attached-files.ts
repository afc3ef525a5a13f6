/** The files that users attach to their messages, as parts that models read. */
import { utf8Length } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { TranscriptPart } from "../../core/ports/transcripts.ts";
import { decodedBytes, isBase64, isPlainBase64, readDataUrl } from "./base64.ts";
import { SNIFFED_BYTES, sniff, textOf } from "./file-type.ts";

/** A file as models read it; one of text is read as text. */
export type ReadFile = Extract<TranscriptPart, { type: "image" | "document" | "textFile" }>;

/** A file as a client sends it. */
export interface AttachedFile {
  /** Base64, or a `data:` URL. */
  readonly content: string;
  /** What the client says that it is. The file's bytes decide. */
  readonly mimeType?: string | undefined;
  readonly fileName?: string | undefined;
}

/** What a client may attach to one message, in bytes. */
export interface FileLimits {
  /** All files together. */
  readonly maxBytes: number;
  /** One picture. */
  readonly maxImageBytes: number;
}

/** The largest file of text, in bytes: about 260,000 tokens, more than most models read at once. */
export const MAX_TEXT_FILE_BYTES = 1_048_576;
const MAX_NAME = 255;

/** Reads the files of a message. Throws what `readFile` throws, and `bad_request` if they are too large together. */
export function readFiles(files: readonly AttachedFile[], limits: FileLimits): readonly ReadFile[] {
  const read = files.map((file) => readFile(file, limits.maxImageBytes));
  if (read.reduce((bytes, file) => bytes + fileBytes(file), 0) <= limits.maxBytes) return read;
  throw wrong(`the attached files exceed ${limits.maxBytes} bytes together`);
}

/** The size of a file in bytes. */
export const fileBytes = (file: ReadFile): number =>
  file.type === "textFile" ? utf8Length(file.text) : decodedBytes(file.base64);

/**
 * Reads an attached file: a picture, a PDF document or a file of text, by its content. Throws `unsupported` for a file that no
 * model reads and `bad_request` for one that is empty, too large or not base64; the message names the file.
 */
export function readFile(file: AttachedFile, maxImageBytes = Number.POSITIVE_INFINITY): ReadFile {
  const { base64, declared } = contentOf(file);
  return fileOf(base64, (file.mimeType ?? declared ?? "").toLowerCase(), nameOf(file), maxImageBytes);
}

function contentOf(file: AttachedFile) {
  const { content, declared } = readDataUrl(file.content) ?? { content: file.content };
  if (content === "") throw wrong(`${shown(file)} is empty`);
  if (isPlainBase64(content)) return { base64: content, declared };
  const base64 = content.replace(/\s/g, "");
  if (!isBase64(base64)) throw wrong(`${shown(file)}: attachment content must be base64`);
  return { base64, declared };
}

function fileOf(base64: string, declared: string, fileName: string | undefined, maxImageBytes: number): ReadFile {
  const name = fileName ?? "the attached file";
  const mimeType = sniff(Buffer.from(base64.slice(0, SNIFFED_BYTES * 2), "base64"));
  if (mimeType === "application/pdf") {
    return { type: "document", mimeType, base64, fileName: fileName ?? "document.pdf" };
  }
  const size = decodedBytes(base64);
  if (mimeType !== undefined) {
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
function nameOf({ fileName }: AttachedFile): string | undefined {
  const name = fileName?.replace(/^.*[\\/]/s, "").replace(/[\p{Cc}\p{Cf}]/gu, "");
  return name === undefined || name.trim() === "" ? undefined : name.trim().slice(0, MAX_NAME).toWellFormed();
}

const shown = (file: AttachedFile): string => nameOf(file) ?? "the attached file";

/** A file of text as models read it: under its name, with a clear beginning and end. */
export function fileText({ fileName, text }: Extract<ReadFile, { type: "textFile" }>): string {
  return `<file name="${fileName.replaceAll('"', "'")}">\n${text}\n</file>`;
}

const wrong = (message: string): GatewayError => new GatewayError("bad_request", message);
