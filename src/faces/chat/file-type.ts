/** What a file is, by its own bytes: clients name types by the file's name, which may lie. */

/** The pictures that providers of all dialects read. */
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const;

/** A type that is recognised by the first bytes. */
export type KnownType = (typeof PICTURES)[number] | "application/pdf";

/** How many bytes `sniff` needs. */
export const SNIFFED_BYTES = 16;

/** The type of a picture or PDF document by its first bytes; undefined for anything else. */
export function sniff(head: Buffer): KnownType | undefined {
  const text = head.toString("latin1");
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (/^GIF8[79]a/.test(text)) return "image/gif";
  if (/^RIFF.{4}WEBP/s.test(text)) return "image/webp";
  return text.startsWith("%PDF-") ? "application/pdf" : undefined;
}

/**
 * Bytes as text, without a byte order mark; undefined if they are not UTF-8 or hold a NUL, which no text has. `isHead`: more
 * bytes follow, so that the last character may be cut.
 */
export function textOf(bytes: Buffer, isHead: boolean): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isHead });
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
