import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ByteString } from "../../../src/core/kernel/byte-string.ts";
import { cutAt, readResponse } from "../../support/clients/read-response.ts";
import { anyAnswer, type WrittenAnswer } from "../../support/upstreams/any-answer.ts";

/** A reading in the terms of what was written. */
function reading(pieces: readonly ByteString[], endsWith: WrittenAnswer["endsWith"]) {
  const { heads, body, isDone, idleMs, error } = readResponse(pieces, endsWith === "connection" ? "closed" : "open");
  const headers = heads.map((head) => Object.entries(head.headers).map(([name, value]) => [name, [value].flat()]));
  return { statuses: heads.map(({ status }) => status), headers, body, isDone, idleMs, error };
}

describe("any cut of any answer", () => {
  test("gives what was written", () => {
    fc.assert(
      fc.property(anyAnswer, fc.array(fc.nat(), { maxLength: 12 }), ({ bytes, endsWith, ...written }, cuts) => {
        const expected = {
          statuses: [written.status],
          headers: [Object.entries(written.headers)],
          body: written.body,
          isDone: true,
          idleMs: endsWith === "connection" ? 0 : undefined,
          error: undefined,
        };
        for (const pieces of [[bytes], cutAt(bytes, cuts), [...bytes]]) {
          expect(reading(pieces, endsWith)).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("of any bytes at all gives what the whole gives", () => {
    const syntax = fc.constantFrom(
      "\r\n",
      "\r",
      "\n",
      "0",
      "5",
      "\r\n\r\n",
      ";",
      "abcde",
      "ffffffffffff",
      "HTTP/1.1 200 OK\r\n",
    );
    const start = fc.constantFrom(
      "",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n",
    );
    const anything = fc.array(syntax, { maxLength: 20 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(start, anything, fc.array(fc.nat(), { maxLength: 6 }), (head, rest, cuts) => {
        const bytes = head + rest;
        const { slices: _slices, ...whole } = readResponse([bytes], "closed");
        for (const pieces of [cutAt(bytes, cuts), [...bytes]]) {
          expect(readResponse(pieces, "closed")).toMatchObject({
            ...whole,
            error: whole.error && { code: whole.error.code },
          });
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("every cut of one answer in two, and all of them at once, give the same", () => {
  const bytes = [
    "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nKeep-Alive: timeout=7\r\nTransfer-Encoding: chunked\r\n\r\n",
    "00C;a=b\r\ndata: one\n\n\0\r\n1\r\n\n\r\na\r\n0\r\n\r\n\r\n\r\n\r\r\n0\r\nx-sum: 12\r\nx: y\r\n\r\n",
  ].join("");
  const expected = {
    statuses: [200],
    headers: [
      [
        ["content-type", ["text/event-stream"]],
        ["keep-alive", ["timeout=7"]],
        ["transfer-encoding", ["chunked"]],
      ],
    ],
    body: "data: one\n\n\0\n0\r\n\r\n\r\n\r\n\r",
    isDone: true,
    idleMs: 5000,
    error: undefined,
  };
  expect(reading([bytes], "body")).toEqual(expected);
  expect(reading([...bytes], "body")).toEqual(expected);
  for (let at = 0; at <= bytes.length; at++) {
    expect(reading([bytes.slice(0, at), bytes.slice(at)], "body")).toEqual(expected);
    // Before its last byte the answer is not done, and after it nothing is missing.
    expect(readResponse([bytes.slice(0, at)]).isDone).toBe(at === bytes.length);
  }
});

test("Node's own client makes the same of any answer", async () => {
  let next = "";
  await using server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {}).once("data", () => socket.end(next, "latin1"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  async function nodes(bytes: ByteString) {
    next = bytes;
    const [message] = (await once(get({ port, host: "127.0.0.1", agent: false }), "response")) as [IncomingMessage];
    const pieces = await message.setEncoding("latin1").toArray();
    const { statusCode, headersDistinct } = message;
    return { status: statusCode, headers: Object.entries(headersDistinct), body: pieces.join("") };
  }

  await fc.assert(
    fc.asyncProperty(anyAnswer, async ({ bytes, endsWith }) => {
      const { statuses, headers, body } = reading([bytes], endsWith);
      expect(await nodes(bytes)).toEqual({ status: statuses[0], headers: headers[0], body });
    }),
    { numRuns: 150 },
  );
});
