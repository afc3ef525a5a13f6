import fc from "fast-check";
import type { ByteString } from "../../../src/core/kernel/byte-string.ts";

/** A well-formed response, and what a reader must read from it. */
export interface WrittenAnswer {
  readonly bytes: ByteString;
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: ByteString;
  readonly endsWith: "body" | "connection";
}

const characters = (codes: readonly number[]) => fc.constantFrom(...codes.map((code) => String.fromCharCode(code)));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const body = (min = 0) => {
  const syntax = fc.constantFrom("\r\n", "0\r\n\r\n", "5\r\n", "HTTP/1.1 200 OK\r\n\r\n", "\r", "data: a\n\n");
  const piece = fc.oneof(syntax, fc.string({ unit: characters(range(0, 255)), minLength: 1, maxLength: 40 }));
  return fc.array(piece, { minLength: min, maxLength: 6 }).map((pieces) => pieces.join(""));
};
const word = fc.string({ unit: characters([...range(0x21, 0x7e), ...range(0x80, 0xff)]), minLength: 1, maxLength: 12 });
const blank = fc.constantFrom("", " ", "\t", "  ");
const field = fc.record({
  name: fc.string({ unit: fc.constantFrom(..."abcXYZ019-_.!#$%&'*+^`|~"), maxLength: 3 }).map((name) => `X-${name}`),
  value: fc.array(word, { maxLength: 3 }).map((words) => words.join(" ")),
  before: blank,
  behind: blank,
});
const fields = fc.array(field, { maxLength: 5 });
const chunk = fc.record({
  data: body(1),
  extension: fc.constantFrom("", "", ";a", ';a="b c"', ";a=b;c"),
  zeros: fc.nat(3),
  upper: fc.boolean(),
});

interface Chunk {
  readonly data: ByteString;
  readonly extension: string;
  readonly zeros: number;
  readonly upper: boolean;
}
interface Field {
  readonly name: string;
  readonly value: string;
  readonly before: string;
  readonly behind: string;
}

const lines = (written: readonly Field[]) =>
  written.map(({ name, value, before, behind }) => `${name}:${before}${value}${behind}\r\n`).join("");

function writeChunk({ data, extension, zeros, upper }: Chunk): ByteString {
  const size = "0".repeat(zeros) + data.length.toString(16);
  return `${upper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`;
}

/** Responses with any body, headers and framing that a reader following RFC 9112 cannot misread. */
export const anyAnswer: fc.Arbitrary<WrittenAnswer> = fc
  .record({
    interim: fc.array(fields, { maxLength: 2 }),
    status: fc.integer({ min: 200, max: 599 }),
    reason: fc.constantFrom("", " ", " OK", " very \xe9 well"),
    fields,
    sent: fc.oneof(
      fc.record({ by: fc.constant("length" as const), body: body() }),
      fc.record({ by: fc.constant("close" as const), body: body() }),
      fc.record({ by: fc.constant("chunks" as const), chunks: fc.array(chunk, { maxLength: 5 }), trailer: fields }),
    ),
  })
  .map(({ interim, status, reason, fields: given, sent }) => {
    const isEmpty = status === 204 || status === 304;
    const whole = sent.by === "chunks" ? sent.chunks.map(({ data }) => data).join("") : sent.body;
    const framing = {
      length: `Content-Length: ${whole.length}\r\n`,
      chunks: "Transfer-Encoding: Chunked\r\n",
      close: "",
    };
    const coded =
      sent.by === "chunks" ? `${sent.chunks.map(writeChunk).join("")}0\r\n${lines(sent.trailer)}\r\n` : whole;
    const hints = interim.map((hint) => `HTTP/1.1 103 Early Hints\r\n${lines(hint)}\r\n`).join("");
    const head = `HTTP/1.1 ${status}${reason}\r\n${lines(given)}${framing[sent.by]}\r\n`;
    const headers: Record<string, string[]> = Object.create(null);
    const put = (name: string, value: string) => {
      headers[name] = [...(headers[name] ?? []), value];
    };
    for (const { name, value } of given) put(name.toLowerCase(), value);
    if (sent.by === "length") put("content-length", String(whole.length));
    if (sent.by === "chunks") put("transfer-encoding", "Chunked");
    return {
      bytes: hints + head + (isEmpty ? "" : coded),
      status,
      headers,
      body: isEmpty ? "" : whole,
      endsWith: sent.by === "close" && !isEmpty ? "connection" : "body",
    };
  });
