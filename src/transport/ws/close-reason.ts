/** Longest close reason RFC 6455 (5.5.1) leaves room for, in bytes. */
const MAX_REASON_BYTES = 123;

/** The longest prefix of whole characters that fits in a close frame. */
export function closeReason(text: string): string {
  let cut = text;
  while (Buffer.byteLength(cut) > MAX_REASON_BYTES) cut = cut.slice(0, -1);
  return cut;
}
