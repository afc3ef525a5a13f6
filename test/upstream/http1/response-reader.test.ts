import { describe, expect, test } from "@jest/globals";
import { readResponse } from "../../support/clients/read-response.ts";

const head = (...fields: string[]) => `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
const CHUNKED = head("transfer-encoding: chunked");

describe("a head", () => {
  test("gives its status and its fields, names in lower case and lists where a name comes twice", () => {
    const { heads } = readResponse([head("Content-Type: text/plain", "X-One: a", "x-two:b", "X-ONE: \t c d \t")]);
    expect(heads).toHaveLength(1);
    expect(heads[0]?.status).toBe(200);
    expect({ ...heads[0]?.headers }).toEqual({ "content-type": "text/plain", "x-one": ["a", "c d"], "x-two": "b" });
  });

  test.each(["HTTP/1.1 200 OK", "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.0 200 tr\u00e8s bien"])(
    "may begin %p",
    (line) => {
      expect(readResponse([`${line}\r\n\r\n`])).toMatchObject({ hasHead: true, error: undefined });
    },
  );

  test("may have fields without values, and names that objects have by themselves", () => {
    const { heads } = readResponse([head("x-empty:", "__proto__: a", "constructor: b")]);
    expect(Object.entries(heads[0]?.headers ?? {})).toEqual([
      ["x-empty", ""],
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
  });

  test("keeps every byte of a value but the spaces and tabs around it", () => {
    const value = "\xa0na\xc3\xafve \xc3\xa0";
    expect({ ...readResponse([head(`x-a: \t${value}\t `)]).heads[0]?.headers }).toEqual({ "x-a": value });
  });

  test("is told once it is whole, before any of its body", () => {
    expect(readResponse([head().slice(0, -1)])).toMatchObject({ hasHead: false, heads: [] });
    expect(readResponse([head()])).toMatchObject({ hasHead: true, heads: [{ status: 200 }], slices: [] });
  });

  test("may follow several interim ones, which are not told", () => {
    const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    expect(readResponse([interim])).toMatchObject({ hasHead: false, isDone: false, heads: [] });
    const answer = readResponse([`${interim}${head("content-length: 2")}ab`]);
    expect(answer).toMatchObject({ heads: [{ status: 200 }], body: "ab", isDone: true });
  });
});

describe("a body", () => {
  test("ends at its length", () => {
    expect(readResponse([`${head("content-length: 3")}ab`])).toMatchObject({ body: "ab", isDone: false });
    expect(readResponse([`${head("content-length: 3")}abc`])).toMatchObject({
      body: "abc",
      isDone: true,
      idleMs: undefined,
    });
  });

  test("of length 0 is done with its head", () => {
    expect(readResponse([head("content-length: 0")])).toMatchObject({ body: "", slices: [], isDone: true });
  });

  test("may have zeros before its length", () => {
    expect(readResponse([`${head("content-length: 002")}ab`])).toMatchObject({ body: "ab", isDone: true });
  });

  test("in chunks ends behind the one of size 0", () => {
    const chunks = "3\r\nabc\r\n1\r\nd\r\n";
    expect(readResponse([CHUNKED, chunks])).toMatchObject({ body: "abcd", isDone: false });
    expect(readResponse([CHUNKED, chunks, "0\r\n\r"])).toMatchObject({ body: "abcd", isDone: false });
    expect(readResponse([CHUNKED, chunks, "0\r\n\r\n"])).toMatchObject({
      body: "abcd",
      isDone: true,
      idleMs: undefined,
    });
  });

  test.each(["a", "A", "0a", "00000000000000000000000a", "A;name", 'a;name="va \\"lue";b=c'])(
    "has ten bytes in a chunk of size %p",
    (size) => {
      const answer = readResponse([`${CHUNKED}${size}\r\n0123456789\r\n0\r\n\r\n`]);
      expect(answer).toMatchObject({ body: "0123456789", isDone: true });
    },
  );

  test("has sizes in hexadecimal of either case", () => {
    const body = "x".repeat(0xabc + 0xdef);
    const [first, second] = [body.slice(0, 0xabc), body.slice(0xabc)];
    const answer = readResponse([`${CHUNKED}aBc\r\n${first}\r\nDeF\r\n${second}\r\n0\r\n\r\n`]);
    expect(answer).toMatchObject({ body, isDone: true });
  });

  test("may hold what looks like chunks and heads", () => {
    const body = "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    const size = body.length.toString(16);
    expect(readResponse([`${CHUNKED}${size}\r\n${body}\r\n0\r\n\r\n`])).toMatchObject({ body, isDone: true });
    expect(readResponse([`${head(`content-length: ${body.length}`)}${body}`])).toMatchObject({ body, isDone: true });
  });

  test("in chunks may have a trailer, which is not told", () => {
    const answer = readResponse([`${CHUNKED}1\r\na\r\n0\r\nx-sum: 1\r\ncontent-type: a/b\r\n\r\n`]);
    expect(answer).toMatchObject({ heads: [{ status: 200 }], body: "a", isDone: true, idleMs: undefined });
  });

  test("of neither ends with the connection", () => {
    expect(readResponse([`${head()}abc`, "def"])).toMatchObject({ body: "abcdef", isDone: false });
    const closed = readResponse([`${head()}abc`, "def"], "closed");
    expect(closed).toMatchObject({ body: "abcdef", isDone: true, idleMs: 0, error: undefined });
  });

  test.each([204, 304])("is never there with status %i, whatever its head says", (status) => {
    for (const field of ["content-length: 5", "transfer-encoding: chunked", "x: y"]) {
      const answer = readResponse([`HTTP/1.1 ${status} x\r\n${field}\r\n\r\n`]);
      expect(answer).toMatchObject({ heads: [{ status }], isDone: true, slices: [] });
    }
  });

  test("is handed on in the slices it came in, and none is empty", () => {
    const sized = readResponse([`${head("content-length: 6")}ab`, "c", "def"]);
    expect(sized.slices).toEqual(["ab", "c", "def"]);
    const chunked = readResponse([`${CHUNKED}3\r\n`, "ab", "c", "\r\n2\r\nde\r", "\n0\r\n\r\n"]);
    expect(chunked.slices).toEqual(["ab", "c", "de"]);
    expect(readResponse([`${head()}`, "ab", "c"]).slices).toEqual(["ab", "c"]);
  });
});

describe("the end of a connection", () => {
  test.each(["", "HTTP/1", "HTTP/1.1 100 Continue\r\n\r\n", head().slice(0, -2)])(
    "behind %p, which is no head, is a reset",
    (bytes) => {
      expect(readResponse([bytes], "closed")).toMatchObject({ isDone: false, error: { code: "upstream_reset" } });
    },
  );

  test.each([
    `${head("content-length: 3")}`,
    `${head("content-length: 3")}ab`,
    CHUNKED,
    `${CHUNKED}3`,
    `${CHUNKED}3\r\nab`,
    `${CHUNKED}3\r\nabc`,
    `${CHUNKED}3\r\nabc\r\n`,
    `${CHUNKED}0\r\n`,
    `${CHUNKED}0\r\nx: y\r\n`,
  ])("within the answer %p truncates it", (bytes) => {
    expect(readResponse([bytes], "closed")).toMatchObject({ isDone: false, error: { code: "upstream_truncated" } });
  });

  test.each([
    head("content-length: 0"),
    `${head("content-length: 1")}a`,
    `${CHUNKED}0\r\n\r\n`,
    `${head()}abc`,
    head(),
  ])("behind %p, which is whole, is no error", (bytes) => {
    expect(readResponse([bytes], "closed")).toMatchObject({ isDone: true, error: undefined });
  });
});

describe("a connection may be used again", () => {
  test.each([
    ["for as long as we like when nothing is said", [], undefined],
    ["for 2 s less than its hint", ["keep-alive: timeout=5"], 3000],
    ["for 2 s less than its hint, among others", ["Keep-Alive: max=100, Timeout=72"], 70_000],
    ["for no time when its hint is 2 s", ["keep-alive: timeout=2"], 0],
    ["for no time when its hint is 0", ["keep-alive: timeout=0"], 0],
    ["for no longer than ten minutes", ["keep-alive: timeout=602"], 600_000],
    ["for no longer than ten minutes, whatever the hint", ["keep-alive: timeout=999999999999999999999"], 600_000],
    ["for as long as we like when the hint is no number", ["keep-alive: timeout=long, max=5"], undefined],
    ["for as long as we like when it only says that it stays", ["connection: keep-alive"], undefined],
    ["for no time when it says that it closes", ["connection: close"], 0],
    ["for no time when it says that it closes, among others", ["connection: keep-alive", "Connection: x, Close"], 0],
  ])("%s", (_name, fields, idleMs) => {
    expect(readResponse([head("content-length: 0", ...fields)])).toMatchObject({ isDone: true, idleMs });
    expect(readResponse([`${head("transfer-encoding: chunked", ...fields)}0\r\n\r\n`]).idleMs).toBe(idleMs);
  });

  test("never with HTTP/1.0, whatever it says", () => {
    const old = head("content-length: 0", "connection: keep-alive").replace("1.1", "1.0");
    expect(readResponse([old])).toMatchObject({ isDone: true, idleMs: 0 });
  });

  test("never behind bytes that follow the answer, come they with it or later", () => {
    for (const answer of [head("content-length: 0"), `${head("content-length: 1")}a`, `${CHUNKED}0\r\n\r\n`]) {
      expect(readResponse([answer]).idleMs).toBeUndefined();
      expect(readResponse([`${answer}H`])).toMatchObject({ isDone: true, idleMs: 0, error: undefined });
      expect(readResponse([answer, "\r\n"])).toMatchObject({ isDone: true, idleMs: 0, error: undefined });
    }
    expect(readResponse(["HTTP/1.1 204 x\r\ncontent-length: 1\r\n\r\na"])).toMatchObject({ isDone: true, idleMs: 0 });
  });
});
