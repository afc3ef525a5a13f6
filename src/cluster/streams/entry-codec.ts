import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { Entry, StreamLog } from "../../core/stream/stream-log.ts";

/** Consecutive entries, encoded. */
export interface Batch {
  readonly text: ByteString;
  /** The sequence of its last entry. */
  readonly last: number;
}

/** The flags of an entry, as one digit. */
const RAW = 1;
const CONTENT = 2;
const NAMED = 4;
const COLON = ":".charCodeAt(0);
const DOT = ".".charCodeAt(0);
const ZERO = "0".charCodeAt(0);

/**
 * The entries after `after`, up to about `maxBytes` and at least one, if the log holds any. Each is
 * `<digit><length of name>.<length of data>:<name><data>`, lengths in bytes: texts are bytes already and are copied unchanged.
 */
export function encodeEntries(log: Pick<StreamLog, "at">, after: number, maxBytes: number): Batch {
  let text = "";
  let last = after;
  while (text.length < maxBytes) {
    const entry = log.at(last + 1);
    if (!entry) break;
    const { event: name = "", data } = entry;
    text += `${kindOf(entry)}${name.length}.${data.length}:${name}${data}`;
    last++;
  }
  return { text, last };
}

/** The entries of a batch as it was written, whose last one has the sequence `last`. */
export function decodeEntries(bytes: Buffer, last: number): Entry[] {
  const entries: Omit<Entry, "seq">[] = [];
  for (let at = 0; at < bytes.length; ) {
    const kind = (bytes[at] ?? ZERO) - ZERO;
    const dot = bytes.indexOf(DOT, at);
    const colon = bytes.indexOf(COLON, dot);
    const nameEnd = colon + 1 + Number(bytes.toString("latin1", at + 1, dot));
    const end = nameEnd + Number(bytes.toString("latin1", dot + 1, colon));
    entries.push({
      event: (kind & NAMED) === 0 ? undefined : bytes.toString("latin1", colon + 1, nameEnd),
      data: bytes.toString("latin1", nameEnd, end),
      raw: (kind & RAW) !== 0,
      hasContent: (kind & CONTENT) !== 0,
    });
    at = end;
  }
  const first = last - entries.length + 1;
  return entries.map((entry, index) => ({ seq: first + index, ...entry }));
}

const kindOf = ({ event, raw, hasContent }: Entry): number =>
  (raw ? RAW : 0) + (hasContent ? CONTENT : 0) + (event === undefined ? 0 : NAMED);
