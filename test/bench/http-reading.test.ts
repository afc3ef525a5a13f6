import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ChunkedBody } from "../../bench/client/wire/http-body.ts";
import { SseLines } from "../../bench/client/wire/sse-lines.ts";
import { EventScanner } from "../../bench/rows/floor/event-scanner.ts";

const HEAD = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/** A body in chunks split at arbitrary positions. */
function chunked(body: string, size: number): string {
  const parts = body.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
  return `${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("")}0\r\n\r\n`;
}

function cutAt(text: string, step: number): Buffer[] {
  return (text.match(new RegExp(`[^]{1,${step}}`, "g")) ?? []).map((part) => Buffer.from(part, "latin1"));
}

const events = fc.array(
  fc.integer({ min: 0, max: 60 }).map((length) => `{"a":"${"x".repeat(length)}"}`),
  { maxLength: 8 },
);
const body = (data: readonly string[]) => data.map((text) => `data: ${text}\n\n`).join("");
const steps = fc.integer({ min: 1, max: 120 });

describe("the client's HTTP reader", () => {
  test("finds every event and the end, however chunks and reads are split", () => {
    fc.assert(
      fc.property(events, steps, steps, (data, chunkSize, readSize) => {
        const found: string[] = [];
        let ended = 0;
        const lines = new SseLines((buffer, start, end) => found.push(buffer.toString("latin1", start, end)));
        const reader = new ChunkedBody({
          body: (buffer, start, end) => lines.read(buffer, start, end),
          ended: () => ended++,
        });
        for (const chunk of cutAt(chunked(body(data), chunkSize), readSize)) reader.read(chunk, 0, chunk.length);
        expect([found, ended]).toEqual([data, 1]);
      }),
    );
  });

  test("skips comments and names, and accepts every kind of line end", () => {
    const found: string[] = [];
    const lines = new SseLines((buffer, start, end) => found.push(buffer.toString("latin1", start, end)));
    const text = Buffer.from(": ping\r\nevent: x\r\ndata: 1\r\n\r\ndata:2\n\n");
    lines.read(text, 0, text.length);
    expect(found).toEqual(["1", "2"]);
  });
});

describe("the floor's HTTP reader", () => {
  test("finds every event and the end, however chunks and reads are split", () => {
    fc.assert(
      fc.property(events, steps, steps, (data, chunkSize, readSize) => {
        const found: string[] = [];
        let ended = 0;
        const scanner = new EventScanner(
          (text) => found.push(text),
          () => ended++,
        );
        for (const chunk of cutAt(HEAD + chunked(body(data), chunkSize), readSize)) scanner.read(chunk);
        expect([found, ended]).toEqual([data, 1]);
      }),
    );
  });
});
