import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { SseReader } from "../../../src/upstream/body/sse-reader.ts";

const MIB = 1_048_576;

/** Everything that a reader tells of a body in these pieces, in its order, up to the body's end. */
function toldOf(pieces: readonly string[], maxEventBytes = MIB): unknown[] {
  const told: unknown[] = [];
  let isOver = false;
  const tell = (what: unknown) => void (isOver || told.push(what));
  const reader = new SseReader(maxEventBytes, {
    event: (name, data, bytes) => tell([name, data, bytes]),
    malformed: () => tell("malformed"),
    tooLarge: () => {
      tell("too large");
      isOver = true;
    },
  });
  for (const piece of pieces) if (!isOver) reader.read(piece);
  if (!isOver) told.push(reader.end());
  return told;
}

function cut(body: string, cuts: readonly number[]): string[] {
  const edges = [0, ...cuts.map((at) => at % (body.length + 1)).sort((one, other) => one - other), body.length];
  return edges.slice(1).map((to, index) => body.slice(edges[index], to));
}

/** Long and short lines, with all line ends, empty lines, names, and bytes beyond ASCII, well-formed or not. */
const piece = fc.oneof(
  fc
    .tuple(fc.nat(9_000), fc.constantFrom("x", '{"a":1}', "\xc3\xa9"))
    .map(([bytes, of]) => `data: ${of.repeat(bytes / of.length)}`),
  fc.constantFrom("event: named", "data: short", ": comment", "id: 7", "\xff", "{", "data"),
  fc.constantFrom("\n", "\n\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\r\r"),
);
const body = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));

test("large reads tell what the same bytes tell in small ones, wherever they are cut", () => {
  fc.assert(
    fc.property(body, fc.array(fc.nat(), { maxLength: 6 }), (body, cuts) => {
      expect(toldOf(cut(body, cuts))).toEqual(toldOf(body.match(/[\s\S]{1,1000}/g) ?? []));
    }),
    { numRuns: 60 },
  );
});

test.each([
  ["{\ndata: x\n\n", undefined],
  ["data: x\n\n{", "{"],
  ["data: x\r\r{", "{"],
  ["data: x\n{\n\n", undefined],
  ["\ndata: x\r\n{\r\n\r\n", undefined],
  ["\r\n\r\ndata: x: comment{\n{\n\n", undefined],
  ["{\ndata: x\n\n: comment\n\n{\ndata: y", "{\ndata: y"],
])("text that looks like JSON is what stands after the last event of %j, wherever that is cut", (body, leftover) => {
  for (let one = 0; one <= body.length; one++) {
    for (let other = one; other <= body.length; other++) {
      expect(toldOf(cut(body, [one, other])).at(-1)).toEqual({ isCut: leftover !== undefined, leftover });
    }
  }
});

test("no more is kept of such text than of an error body, in whatever reads it comes", () => {
  const body = `{${"x".repeat(100_000)}`;
  const kept = { isCut: true, leftover: body.slice(0, 65_536) };
  for (const pieces of [[body], cut(body, [1, 50_000]), body.match(/.{1,999}/g) ?? []]) {
    expect(toldOf(pieces)).toEqual([kept]);
  }
});

test("a large read that is cut beside a line end loses nothing and repeats nothing", () => {
  const data = "x".repeat(5_000);
  const body = `data: ${data}\n\nevent: named\ndata: ${data}\n\ndata: two\n\ndata: ${data}\n\ndata: three\n\n`;
  const events = [
    [undefined, data],
    ["named", data],
    [undefined, "two"],
    [undefined, data],
    [undefined, "three"],
  ];
  const told = events.map(([name, data]) => [name, data, data]);
  for (const { index } of body.matchAll(/\n+/g)) {
    for (let at = index - 2; at <= index + 3; at++) expect(toldOf(cut(body, [at])).slice(0, -1)).toEqual(told);
  }
});

test("an event that is too large ends a large read, whatever follows it", () => {
  const large = `data: ${"x".repeat(20_000)}\n\ndata: one\n\ndata: two\n\ndata: begun`;
  expect(toldOf([large], 10_000)).toEqual(["too large"]);
  expect(toldOf([`data: ${"x".repeat(5_000)}`, `${"x".repeat(9_000)}\n\n${large}`], 10_000)).toEqual(["too large"]);
});
