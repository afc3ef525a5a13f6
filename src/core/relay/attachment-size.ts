import { utf8Length } from "../kernel/byte-string.ts";

/**
 * What a file in a prompt counts, in characters of text: four are a token. Nobody but the provider can count exactly, so
 * these are estimates, and hold until its own figures come (docs/caps.md).
 */

/** About 1,600 tokens, the most that Anthropic's documents name for one picture of the usual size. */
const PICTURE = 6_400;

/**
 * A page of a document is 3,000 tokens, the upper end of what Anthropic's documents name (1,500 to 3,000), and about 50 KB
 * of file: text alone takes less, a scan more.
 */
const PAGE = 12_000;
const PAGE_BYTES = 50_000;

/** A token, four characters, for each 400 bytes of a recording: ten tokens a second, compressed to 32 kbit/s. */
const RECORDING_PER_BYTE = 4 / 400;

/** A longer address is no address of a file: servers take no more than that. */
const MAX_ADDRESS = 8_192;

const PICTURES = new Set(
  ["png", "jpeg", "jpg", "gif", "webp", "heic", "heif", "avif", "bmp", "tiff"].map((kind) => `image/${kind}`),
);
const RECORDINGS = new Set(["wav", "mp3", "flac", "opus", "ogg", "aac", "m4a", "webm", "pcm16"]);

/** Longer than what stands before the comma of any data URL that is one. */
const MAX_DATA_HEAD = 128;
const DATA_URL = /^data:([^;,]+);base64,/;
const ADDRESS = /^https?:\/\//i;

/** A text as JSON has it, in its quotes. Letters beyond ASCII count by their UTF-8: they are nearer to a token each. */
export const textSize = (text: string): number => utf8Length(text) + 2;

const bytesOf = (base64: string): number => base64.length * 0.75;

/** Base64 of a kind that models look at and do not read. Whatever says to be something else is text to somebody. */
export function base64Size(mediaType: string, base64: string): number {
  const size = base64.length + 2;
  if (PICTURES.has(mediaType)) return Math.min(size, PICTURE);
  if (mediaType !== "application/pdf") return textSize(base64);
  return Math.min(size, Math.max(PAGE, Math.ceil((bytesOf(base64) / PAGE_BYTES) * PAGE)));
}

export function recordingSize(format: string, base64: string): number {
  const size = textSize(base64);
  return RECORDINGS.has(format) ? Math.min(size, Math.ceil(bytesOf(base64) * RECORDING_PER_BYTE)) : size;
}

/** A data URL by what is in it; the address of a file as a picture, or as a page: how many it has nobody knows. */
export function fileUrlSize(url: string, kind: "picture" | "document"): number {
  const mediaType = DATA_URL.exec(url.slice(0, MAX_DATA_HEAD))?.[1];
  if (mediaType !== undefined) return base64Size(mediaType.toLowerCase(), url);
  const isAddress = url.length <= MAX_ADDRESS && ADDRESS.test(url);
  return isAddress ? Math.max(textSize(url), kind === "picture" ? PICTURE : PAGE) : textSize(url);
}
