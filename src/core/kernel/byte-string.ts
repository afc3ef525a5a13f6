/**
 * Text whose characters are the bytes of its UTF-8. What an upstream sends goes through the gateway in this form: it takes
 * one byte of memory a character whatever the text, its length is its size on the wire, and a socket writes it as it is.
 */
export type ByteString = string;

/** Whether a text is its own UTF-8. */
function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** Bytes of a text in UTF-8. A lone surrogate counts as the U+FFFD that is written for it. */
export function utf8Length(text: string): number {
  // Most texts are ASCII, which the pattern tells sooner than a loop.
  if (!/[^\0-\x7f]/.test(text)) return text.length;
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0;
    if (code > 0xffff) at++;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code <= 0xffff ? 3 : 4;
  }
  return bytes;
}

/** For texts of our own making: what an upstream sends comes as bytes. A lone surrogate becomes U+FFFD. */
export function toByteString(text: string): ByteString {
  if (isAscii(text)) return text;
  const escaped = encodeURIComponent(text.toWellFormed());
  return escaped.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** For faces that need characters. The bytes must be well-formed UTF-8, as those of events are. */
export function fromByteString(bytes: ByteString): string {
  if (isAscii(bytes)) return bytes;
  return decodeURIComponent(bytes.replace(/[%\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`));
}
