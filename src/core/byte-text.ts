/**
 * Text whose characters are the bytes of its UTF-8. What an upstream sends goes through the gateway in this form: it takes
 * one byte of memory a character whatever the text, its length is its size on the wire, and a socket writes it as it is.
 */
export type ByteText = string;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const isAscii = (text: string): boolean => {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
};

/** ASCII is its own UTF-8. */
export function toByteText(text: string): ByteText {
  if (isAscii(text)) return text;
  let bytes = "";
  for (const byte of encoder.encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

export function fromByteText(bytes: ByteText): string {
  return isAscii(bytes) ? bytes : decoder.decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
}
