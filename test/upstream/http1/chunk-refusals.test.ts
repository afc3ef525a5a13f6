import { describe, expect, test } from "@jest/globals";
import { readResponse, refusal } from "../../support/clients/read-response.ts";

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

describe("a chunk is refused", () => {
  test.each([
    "",
    ";a",
    " 5",
    "-1",
    "+5",
    "0x10",
    "g",
    "5g",
    "5\n",
    "5\r",
    "\xb2",
    "ffffffffffffff",
    "1".repeat(400),
    "5;a\nb",
    "5;a\rb",
    "5 5",
    "5 ",
    "5\t",
    "5 ;a",
    "5;",
    "5; a",
    "5;a b",
    "5;a=",
    "5;a =b",
    '5;a="b',
    '5;a="b"c',
  ])("of size %p", (size) => {
    const { error, body } = readResponse([`${CHUNKED}${size}\r\nabcde\r\n`]);
    expect([error?.code, body]).toEqual(["upstream_protocol", ""]);
    expect(refusal(`${CHUNKED}${size}\r\nabcde\r\n`)).toBe("upstream_protocol");
  });

  test.each(["x\r\n", "\n", "\rx", "\r\r\n", "0\r\n\r\n"])("that goes on with %p behind its data", (rest) => {
    expect(refusal(`${CHUNKED}2\r\nab${rest}`)).toBe("upstream_protocol");
  });

  test("whose size line has no end, after a kibibyte", () => {
    expect(refusal(`${CHUNKED}5;${"x".repeat(1022)}\r\nabcde\r\n0\r\n\r\n`)).toBeUndefined();
    expect(refusal(`${CHUNKED}5;${"x".repeat(1023)}\r\nabcde\r\n0\r\n\r\n`)).toBe("upstream_protocol");
    expect(refusal(`${CHUNKED}5;${"x".repeat(1024)}`)).toBe("upstream_protocol");
    expect(refusal(`${CHUNKED}${"0".repeat(1030)}`)).toBe("upstream_protocol");
  });

  test("with a trailer that has no end, after 16 KiB", () => {
    const line = `x: ${"y".repeat(1019)}\r\n`;
    expect(refusal(`${CHUNKED}0\r\n${line.repeat(15)}\r\n`)).toBeUndefined();
    expect(refusal(`${CHUNKED}0\r\n${line.repeat(17)}`)).toBe("upstream_protocol");
    expect(refusal(`${CHUNKED}0\r\n${"y".repeat(16_385)}`)).toBe("upstream_protocol");
  });

  test.each(["5", "5;a"])("whose size %p ends with a bare LF, at once", (size) => {
    expect(refusal(`${CHUNKED}${size}\n`)).toBe("upstream_protocol");
    expect(refusal(`${CHUNKED}${size}\nabcde\n`)).toBe("upstream_protocol");
  });

  test("whose trailer's line ends with a bare LF, at once", () => {
    expect(refusal(`${CHUNKED}0\r\n\n`)).toBe("upstream_protocol");
    expect(refusal(`${CHUNKED}0\r\nx: y\n`)).toBe("upstream_protocol");
  });

  test("but not data with any line ends", () => {
    const lines = "\n\r\ra";
    expect(readResponse([`${CHUNKED}4\r\n${lines}\r\n0\r\n\r\n`])).toMatchObject({ body: lines, isDone: true });
    expect(readResponse([`${CHUNKED}4`, `\r\n${lines}\r\n0`, "\r\n\r\n\n"])).toMatchObject({
      body: lines,
      isDone: true,
    });
  });

  test.each([
    "x: y\nz",
    "\n",
    "x: y\r",
    "x",
    ": y",
    "x : y",
    " x: y",
    "x: y\0",
    "content-length: 5",
    "Transfer-Encoding: chunked",
  ])("with the trailer line %p", (line) => {
    expect(refusal(`${CHUNKED}0\r\n${line}\r\n\r\n`)).toBe("upstream_protocol");
  });

  test("with what came before it told", () => {
    expect(readResponse([`${CHUNKED}2\r\nab\r\nx\r\n`])).toMatchObject({ body: "ab", isDone: false });
  });
});
