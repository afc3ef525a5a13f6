import { isAscii, isUtf8 } from "node:buffer";
import type { ByteString } from "../../core/kernel/byte-string.ts";

/** What a piece of a body says, in both forms in which the gateway needs it. */
export interface Decoded {
  readonly text: string;
  /** Its UTF-8, a character a byte. */
  readonly bytes: ByteString;
  /** Whether all of it was UTF-8. What was not is U+FFFD now, as the Encoding Standard says. */
  readonly wellFormed: boolean;
}

/** What malformed sequences become. */
const REPLACEMENT = "\ufffd";

/** Events are written here to be decoded: a buffer for each would cost as much as the decoding. */
const SCRATCH = Buffer.allocUnsafeSlow(65_536);

/** Decodes UTF-8. Malformed sequences become U+FFFD and make the result lossy. */
export function decode(raw: Buffer): Decoded {
  const bytes = raw.toString("latin1");
  return isAscii(raw) ? { text: bytes, bytes, wellFormed: true } : decoded(raw, raw.length, bytes);
}

/** The same of bytes that are in a string, and likely more than ASCII. */
export function decodeBytes(bytes: ByteString): Decoded {
  const raw = bytes.length > SCRATCH.length ? Buffer.allocUnsafeSlow(bytes.length) : SCRATCH;
  return decoded(raw, raw.write(bytes, "latin1"), bytes);
}

function decoded(raw: Buffer, size: number, bytes: ByteString): Decoded {
  const text = raw.toString("utf8", 0, size);
  // A provider may also send U+FFFD itself.
  if (!text.includes(REPLACEMENT) || isUtf8(raw.subarray(0, size))) return { text, bytes, wellFormed: true };
  return { text, bytes: Buffer.from(text).toString("latin1"), wellFormed: false };
}
