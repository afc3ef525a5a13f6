import fc from "fast-check";
import type { ByteString } from "../../../src/core/kernel/byte-string.ts";

/** Picks parts by weight. */
const weighted = (...parts: readonly (readonly [weight: number, part: fc.Arbitrary<string>])[]) =>
  fc.oneof(...parts.map(([weight, arbitrary]) => ({ weight, arbitrary })));
const one = (...parts: readonly string[]) => fc.constantFrom(...parts);
const joined = (...parts: readonly fc.Arbitrary<string>[]) => fc.tuple(...parts).map((texts) => texts.join(""));
const many = (part: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(part, { maxLength }).map((texts) => texts.join(""));

const version = weighted([9, one("HTTP/1.1")], [1, one("HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "ICE/1.1")]);
const reason = weighted([5, one(" OK")], [1, one("", " ", " very \xe9 well", "  ", " a\0b", "\t")]);
const length = weighted(
  [6, one("5")],
  [1, one("0", "05", "5, 5", "5,", "6", "+5", "-1", "0x5", "", "5 5", "99999999999999999999")],
);
const coding = weighted(
  [6, one("chunked")],
  [1, one("Chunked", "gzip, chunked", "chunked, chunked", "identity", "chunked\t", "")],
);
const other = one(
  "content-type: text/event-stream",
  "x-a: b",
  "x-a:",
  "X_a:  b\t",
  "x-a: \xe9",
  "connection: close",
  "connection: keep-alive",
  "connection: x, close",
  "keep-alive: timeout=5",
  "x a: b",
  "x-a : b",
  " folded",
  "trailer: x",
  "upgrade: h2c",
);
const lineEnd = weighted([60, one("\r\n")], [1, one("\n", "\r", "\r\r\n", "\n\r\n")]);
const line = (text: fc.Arbitrary<string>) => joined(text, lineEnd);
const framing = weighted(
  [5, line(joined(one("content-length: ", "Content-Length:"), length))],
  [5, line(joined(one("transfer-encoding: ", "Transfer-Encoding:"), coding))],
  [2, one("")],
);
const interim = joined(
  line(joined(version, one(" 100", " 103", " 102", " 101"), reason)),
  many(line(other), 1),
  weighted([6, one("")], [1, framing]),
  lineEnd,
);
const head = joined(
  weighted([4, one("")], [1, interim]),
  line(
    joined(
      version,
      weighted([8, one(" 200")], [1, one(" 204", " 304", " 404", " 099", " 600", " 20", " 2000")]),
      reason,
    ),
  ),
  many(line(other), 2),
  framing,
  weighted([6, one("")], [1, framing]),
  lineEnd,
);
const extension = weighted(
  [6, one("")],
  [1, one(";a", ";a=b", ';a="b c"', ";a;b=c", " ", "\t", ";", " ;a", "; a", ";a=", ";a =b", ';a="\\""', ";a b")],
);
const chunk = joined(line(joined(one("5", "05", "005"), extension)), one("abcde", "\r\n0\r\n", "data\n"), lineEnd);
const trailer = many(line(weighted([3, other], [1, one("content-length: 5", "transfer-encoding: chunked")])), 1);
const chunks = joined(many(chunk, 3), line(joined(one("0", "00"), extension)), trailer, lineEnd);
const body = weighted([3, one("abcde", "data\n")], [5, chunks], [1, one("", "abc", "abcdefgh")]);
const behind = weighted([4, one("")], [1, joined(head, body)]);

/** A response built by HTTP's grammar, with occasional mistakes, and perhaps another one after it. */
const written = joined(head, body, behind);

const fragment = one(
  "\r\n",
  "\n",
  "\r",
  "0",
  "5",
  "\r\n\r\n",
  ";",
  ":",
  " ",
  "\t",
  "\0",
  "\x7f",
  "\xff",
  ",",
  "0\r\n\r\n",
  "content-length: 5\r\n",
  "transfer-encoding: chunked\r\n",
  "connection: close\r\n",
  "HTTP/1.1 200 OK\r\n",
  "abcde",
);
const change = fc.record({ at: fc.nat(400), cut: fc.nat(3), put: fc.oneof(one(""), fragment, fragment) });

/** Bytes that are nearly a response: one of those with up to two places changed, which mostly breaks it. */
export const mutatedAnswer: fc.Arbitrary<ByteString> = fc
  .record({ written, changes: fc.array(change, { maxLength: 2 }) })
  .map(({ written, changes }) =>
    changes.reduce((bytes, { at, cut, put }) => {
      const from = at % (bytes.length + 1);
      return bytes.slice(0, from) + put + bytes.slice(from + cut);
    }, written),
  );
