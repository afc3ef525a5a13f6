import type { ByteString } from "../../core/kernel/byte-string.ts";
import { protocolError } from "./response-head.ts";

/** What may stand behind a chunk's size (RFC 9112, 7.1.1); nobody uses it. */
const EXTENSIONS =
  /^(?:;[!#$%&'*+\-.^_`|~\w]+(?:=(?:[!#$%&'*+\-.^_`|~\w]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*$/;

/** Reads a chunk's size from its line: the hexadecimal digits before the end or extensions. Throws `upstream_protocol`. */
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
