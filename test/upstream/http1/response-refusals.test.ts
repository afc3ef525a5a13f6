import { describe, expect, test } from "@jest/globals";
import { readResponse, refusal } from "../../support/clients/read-response.ts";

const head = (...fields: string[]) => `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
const SIZED = "content-length: 5";

describe("what does not begin as HTTP/1 is refused", () => {
  test.each(["h", "\n", "\r", " ", "\0", "<", "HX", "HTTP/2", "HTTP/11", "HTTP/1,", "http/1.1 200 OK"])(
    "at the first wrong byte of %p, though no line ends",
    (bytes) => {
      expect(refusal(bytes)).toBe("upstream_protocol");
    },
  );

  test("which is no earlier byte", () => {
    expect(refusal("HTTP/1")).toBeUndefined();
    expect(refusal("HTTP/")).toBeUndefined();
  });

  test.each([
    "HTTP/2 200",
    "HTTP/2.0 200 OK",
    "HTTP/1.2 200 OK",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 200OK",
    "HTTP/1.1 099 OK",
    "HTTP/1.1 600 OK",
    "HTTP/1.1 200 O\nK",
    "HTTP/1.1 200 O\0K",
    "HTTP/1.1 200 OK\r",
    "HTTP/1.1",
    "HTTP/1.1 ok",
  ])("as is the status line %p", (line) => {
    expect(refusal(`${line}\r\n${SIZED}\r\n\r\n`)).toBe("upstream_protocol");
  });

  test("as is an upgrade nobody asked for", () => {
    expect(refusal("HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n")).toBe("upstream_protocol");
  });

  test("also behind an interim head", () => {
    expect(refusal("HTTP/1.1 100 Continue\r\n\r\nX")).toBe("upstream_protocol");
  });
});

describe("a field is refused", () => {
  test.each([
    ["folded", "x-a: b\r\n c"],
    ["folded by a tab", "x-a: b\r\n\tc: d"],
    ["with a space before its colon", "content-length : 5"],
    ["with a tab before its colon", "content-length\t: 5"],
    ["without a name", ": b"],
    ["without a colon", "x-a"],
    ["with a space in its name", "x a: b"],
    ["with a NUL in its name", "x\0a: b"],
    ["with a byte over ASCII in its name", "x\xe9: b"],
    ["with a NUL in its value", "x-a: b\0c"],
    ["with a NUL at the end of its value", "x-a: b\0"],
    ["with a DEL in its value", "x-a: b\x7f"],
    ["with a vertical tab around its value", "x-a: \x0bb\x0c"],
    ["with a bare LF in its value", "x-a: b\nc: d"],
    ["with a bare LF before its value", "x-a:\ntransfer-encoding: chunked"],
    ["with a bare LF behind its value", "x-a: b\n"],
    ["with a bare LF behind its name", "x-a\n: b"],
    ["with a bare CR in its value", "x-a: b\rc: d"],
    ["with a bare CR before its value", "x-a:\rtransfer-encoding: chunked"],
    ["with a bare CR behind its value", "x-a: b\r"],
  ])("%s", (_name, field) => {
    expect(refusal(head(SIZED, field))).toBe("upstream_protocol");
    expect(refusal(head(field, SIZED))).toBe("upstream_protocol");
  });

  test.each(["HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\r\nx: y\n", "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\n"])(
    "at the first bare LF of %p, though the head has no end",
    (lines) => {
      expect(refusal(lines.slice(0, -1))).toBeUndefined();
      expect(refusal(lines)).toBe("upstream_protocol");
      expect(refusal(`${lines}content-length: 0\n\n`)).toBe("upstream_protocol");
    },
  );
});

describe("a body of no certain length is refused", () => {
  test.each([
    "-1",
    "+5",
    "0x5",
    "a",
    "5a",
    "5;",
    "5.0",
    "1e1",
    "5 5",
    "",
    ",",
    "5,",
    "5, 6",
    "5, 05",
    "5, 5",
    "\xa05",
    "\u00b2",
    "1000000000000000",
    "99999999999999999999",
  ])("with content length %p", (length) => {
    expect(refusal(head(`content-length: ${length}`))).toBe("upstream_protocol");
  });

  test("with two lengths, the same or not", () => {
    expect(refusal(head("content-length: 5", "content-length: 5"))).toBe("upstream_protocol");
    expect(refusal(head("content-length: 5", "content-length: 6"))).toBe("upstream_protocol");
    expect(refusal(head("content-length: 5", "x: y", "Content-Length:"))).toBe("upstream_protocol");
  });

  test.each([204, 304])("with two of them, even with status %i, which has none", (status) => {
    const fields = "transfer-encoding: chunked\r\ncontent-length: 5\r\n";
    expect(refusal(`HTTP/1.1 ${status} x\r\n${fields}\r\n`)).toBe("upstream_protocol");
  });

  test.each(["5", "", "0"])("with chunks and the length %p", (length) => {
    const fields = ["transfer-encoding: chunked", `content-length: ${length}`];
    expect(refusal(head(...fields))).toBe("upstream_protocol");
    expect(refusal(head(...fields.toReversed()))).toBe("upstream_protocol");
  });

  test.each([
    "gzip, chunked",
    "gzip",
    "identity",
    "chunked, chunked",
    "chunked, gzip",
    "xchunked",
    "\x22chunked\x22",
    "",
  ])("with transfer encoding %p", (coding) => {
    expect(refusal(head(`transfer-encoding: ${coding}`))).toBe("upstream_protocol");
    expect(refusal(head(`transfer-encoding: ${coding}`, SIZED))).toBe("upstream_protocol");
  });

  test("with two transfer encodings", () => {
    expect(refusal(head("transfer-encoding: chunked", "transfer-encoding: identity"))).toBe("upstream_protocol");
  });
});

describe("an interim head is refused", () => {
  test.each(["content-length: 0", "transfer-encoding: chunked", "connection: close", "connection: x, Close"])(
    "with %p",
    (field) => {
      expect(refusal(`HTTP/1.1 100 x\r\n${field}\r\n\r\n`)).toBe("upstream_protocol");
    },
  );

  test("of HTTP/1.0, which has none", () => {
    expect(refusal("HTTP/1.0 100 x\r\n\r\n")).toBe("upstream_protocol");
  });

  test("beyond 16 KiB of them, the final one counted in", () => {
    const hints = `HTTP/1.1 103 Early Hints\r\nlink: <${"a".repeat(986)}>\r\n\r\n`;
    expect(hints.length).toBe(1_024);
    expect(refusal(hints.repeat(15) + head(SIZED))).toBeUndefined();
    expect(refusal(hints.repeat(16) + head(SIZED))).toBe("upstream_bad_response");
    expect(readResponse([hints.repeat(17)]).error?.details).toEqual({ reason: "headers_too_large" });
  });
});

describe("a head over 16 KiB is refused", () => {
  const sized = (bytes: number) => {
    const short = head(SIZED, "x: ");
    return head(SIZED, `x: ${"y".repeat(bytes - (short.length - 4))}`);
  };

  test("and said to be too large, ended or not", () => {
    for (const bytes of [sized(16_385), sized(16_388).slice(0, -4), `${sized(20_000)}abcde`, sized(60_000)]) {
      expect(refusal(bytes)).toBe("upstream_bad_response");
      expect(readResponse([bytes]).error?.details).toEqual({ reason: "headers_too_large" });
    }
  });

  test("but not one of 16 KiB, wherever its end is cut", () => {
    const whole = sized(16_384);
    for (let at = whole.length - 6; at <= whole.length; at++) {
      const answer = readResponse([whole.slice(0, at), whole.slice(at)]);
      expect([answer.error, answer.hasHead]).toEqual([undefined, true]);
    }
    expect(refusal(whole)).toBeUndefined();
  });
});
