import { utf8Length } from "../kernel/byte-string.ts";

/**
 * How much a file in a prompt counts, as characters of text (four per token). Only the provider can count exactly: these are
 * estimates until its own figures arrive (docs/caps.md).
 */

/** About 1,600 tokens: Anthropic's documentation's maximum for a picture of the usual size. */
const PICTURE = 6_400;

/**
 * A page of a document counts 3,000 tokens, the upper end of Anthropic's documented range (1,500 to 3,000), and is taken to
 * be 50 KB of file: plain text takes less, scans more.
 */
const PAGE = 12_000;
const PAGE_BYTES = 50_000;

/** One token (four characters) per 400 bytes of a recording: ten tokens a second at 32 kbit/s. */
const RECORDING_PER_BYTE = 4 / 400;

/** Longer texts are not URLs of files: servers do not accept such URLs. */
const MAX_ADDRESS = 8_192;

const PICTURES = new Set(
  ["png", "jpeg", "jpg", "gif", "webp", "heic", "heif", "avif", "bmp", "tiff"].map((kind) => `image/${kind}`),
);
const RECORDINGS = new Set(["wav", "mp3", "flac", "opus", "ogg", "aac", "m4a", "webm", "pcm16"]);

/** Longer than the part before the comma of any valid data URL. */
const MAX_DATA_HEAD = 128;
const DATA_URL = /^data:([^;,]+);base64,/;
const ADDRESS = /^https?:\/\//i;

/** The size of a text as JSON, with quotes. Letters beyond ASCII count their UTF-8 bytes: they are closer to one token each. */
export const textSize = (text: string): number => utf8Length(text) + 2;

const bytesOf = (base64: string): number => base64.length * 0.75;

/** The size of base64 data of a media type that models view rather than read. Any other type counts as text. */
export function base64Size(mediaType: string, base64: string): number {
  const size = base64.length + 2;
  if (PICTURES.has(mediaType)) return Math.min(size, PICTURE);
  if (mediaType !== "application/pdf") return textSize(base64);
  return Math.min(size, Math.max(PAGE, Math.ceil((bytesOf(base64) / PAGE_BYTES) * PAGE)));
}

/** The size of a base64 recording, by its format. An unknown format counts as text. */
export function recordingSize(format: string, base64: string): number {
  const size = textSize(base64);
  return RECORDINGS.has(format) ? Math.min(size, Math.ceil(bytesOf(base64) * RECORDING_PER_BYTE)) : size;
}

/** The size of a data URL by its content; of the URL of a file as one picture or page, because its length is unknown. */
export function fileUrlSize(url: string, kind: "picture" | "document"): number {
  const mediaType = DATA_URL.exec(url.slice(0, MAX_DATA_HEAD))?.[1];
  if (mediaType !== undefined) return base64Size(mediaType.toLowerCase(), url);
  const isAddress = url.length <= MAX_ADDRESS && ADDRESS.test(url);
  return isAddress ? Math.max(textSize(url), kind === "picture" ? PICTURE : PAGE) : textSize(url);
}
