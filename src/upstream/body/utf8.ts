import { isAscii, isUtf8 } from "node:buffer";

/** What a piece of a body says, in both forms in which the gateway needs it. */
export interface Decoded {
  readonly text: string;
  /** Its UTF-8, a character a byte. */
  readonly bytes: string;
  /** Whether all of it was UTF-8. What was not is U+FFFD now, as the Encoding Standard says. */
  readonly wellFormed: boolean;
}

/**
 * Decodes UTF-8. Malformed sequences become U+FFFD and make the result lossy. `bytes` is the same as `raw`, for a caller that
 * has it already.
 */
export function decode(raw: Buffer, bytes = raw.toString("latin1")): Decoded {
  if (isAscii(raw)) return { text: bytes, bytes, wellFormed: true };
  const text = raw.toString("utf8");
  if (isUtf8(raw)) return { text, bytes, wellFormed: true };
  return { text, bytes: Buffer.from(text).toString("latin1"), wellFormed: false };
}
