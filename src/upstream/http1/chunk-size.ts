import type { ByteString } from "../../core/kernel/byte-string.ts";
import { protocolError } from "./response-head.ts";

/** Chunk extensions (RFC 9112, section 7.1.1), which no provider uses. */
const EXTENSIONS =
  /^(?:;[!#$%&'*+\-.^_`|~\w]+(?:=(?:[!#$%&'*+\-.^_`|~\w]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*$/;

/** Parses a chunk's size: the hexadecimal digits before the line end or the extensions. Throws `upstream_protocol`. */
export function readChunkSize(text: ByteString, from: number, to: number): number {
  let size = 0;
  let at = from;
  for (; at < to; at++) {
    const digit = digitOf(text.charCodeAt(at));
    if (digit < 0) break;
    size = size * 16 + digit;
  }
  const isEnd = at === to || EXTENSIONS.test(text.slice(at, to));
  if (at === from || !isEnd || !Number.isSafeInteger(size)) throw protocolError("a chunk of no certain size");
  return size;
}

function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
