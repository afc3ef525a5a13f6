/** Recorded streams as bytes: however they are cut, the reader finds the events that were recorded. */
import { describe, expect, test } from "@jest/globals";
import { fromByteString } from "../../src/core/kernel/byte-string.ts";
import { SseReader } from "../../src/upstream/body/sse-reader.ts";
import { outerRecordings, type RecordedEvent, sources } from "../support/recordings/corpus.ts";
import { NOT_HERE } from "../support/recordings/outer-corpus.ts";
import { sseBody } from "../support/recordings/recorded-body.ts";

/** Above every recorded event; the limit has its own tests. */
const MAX_EVENT_BYTES = 16_777_216;
/** A stream up to here is cut at every position: the work grows with the square of the size. */
const MAX_CUT_EVERYWHERE_BYTES = 4_096;

function read(pieces: Iterable<string>): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  const reader = new SseReader(MAX_EVENT_BYTES, {
    event: (name, data) => events.push({ event: name === undefined ? undefined : fromByteString(name), data }),
    malformed: () => {
      throw new Error("a recorded stream is malformed");
    },
    tooLarge: () => {
      throw new Error("a recorded event is too large");
    },
  });
  for (const piece of pieces) reader.read(piece);
  return events;
}

function* inPieces(bytes: string, size: number): Generator<string> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

if (!outerRecordings) test.skip(NOT_HERE, () => {});

describe.each(sources)("the bytes of $from", ({ recordings, own }) => {
  const streams = recordings.flatMap(({ title, answers, body }) =>
    answers.map((events) => {
      return { title, events, bytes: Buffer.from(body ?? sseBody(events)).toString("latin1") };
    }),
  );
  const small = streams.filter(({ bytes }) => bytes.length <= MAX_CUT_EVERYWHERE_BYTES);

  test.each([1, 7, Number.POSITIVE_INFINITY])("yield the recorded events in pieces of %p", (size) => {
    for (const { title, events, bytes } of streams) {
      expect([title, read(inPieces(bytes, size))]).toEqual([title, events]);
    }
  });

  test("yield them when a small stream is cut at any position", () => {
    expect(small.length).toBeGreaterThan(own ? 40 : 10);
    for (const { title, events, bytes } of small) {
      const expected = JSON.stringify(events);
      for (let at = 1; at < bytes.length; at++) {
        const found = JSON.stringify(read([bytes.slice(0, at), bytes.slice(at)]));
        if (found !== expected) expect([title, at, found]).toEqual([title, at, expected]);
      }
    }
  });
});
