/**
 * The UTF-8 of a text as a string with one character per byte (Web IDL's ByteString). Upstream data stays in this form
 * throughout the gateway: it takes one byte of memory per character, its length is its size on the wire, and sockets write
 * it unchanged.
 */
export type ByteString = string;

/** Whether a text is ASCII, and so its own UTF-8. */
function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** The length of a text in UTF-8 bytes. A lone surrogate counts as U+FFFD, which replaces it on output. */
export function utf8Length(text: string): number {
  // Most texts are ASCII, and a pattern tests that faster than a loop.
  if (!/[^\0-\x7f]/.test(text)) return text.length;
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0;
    if (code > 0xffff) at++;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code <= 0xffff ? 3 : 4;
  }
  return bytes;
}

/** The same text in memory of its own. V8 makes slices views, and what keeps one keeps the whole that it was cut from. */
export const copyOf = (text: string): string => String(JSON.parse(JSON.stringify(text)));

/** Encodes a text of our own as UTF-8. A lone surrogate becomes U+FFFD. */
export function toByteString(text: string): ByteString {
  if (isAscii(text)) return text;
  const escaped = encodeURIComponent(text.toWellFormed());
  return escaped.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Decodes UTF-8. Throws `URIError` unless it is well-formed, as the data of logged events always is. */
export function fromByteString(bytes: ByteString): string {
  if (isAscii(bytes)) return bytes;
  return decodeURIComponent(bytes.replace(/[%\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`));
}
