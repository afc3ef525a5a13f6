import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { fromByteString, toByteString } from "../../../src/core/kernel/byte-string.ts";
import { keptEvent, MAX_KEPT_BYTES } from "../../../src/core/stream/kept-event.ts";

const entryOf = (text: string) => ({
  seq: 1,
  event: undefined,
  data: toByteString(text),
  raw: false,
  hasContent: false,
});

const keptOf = (value: unknown) => JSON.parse(fromByteString(keptEvent(entryOf(JSON.stringify(value))).data));

test("a small event is kept as it came", () => {
  const entry = entryOf('{ "type":"response.created" }');
  expect(keptEvent(entry)).toBe(entry);
});

test("of a large event everything short is kept, of a response within it as well", () => {
  const short = { id: "resp_1", temperature: 0.5, error: null, reasoning: { effort: "low" } };
  const long = { instructions: "x".repeat(20_000), tools: Array.from({ length: 500 }, () => ({ name: "look" })) };
  const event = { type: "response.created", sequence_number: 7, response: { ...short, ...long } };
  expect(keptOf(event)).toEqual({ ...event, response: { ...short, instructions: "", tools: [] } });
});

test("of any large event no more than the limit is kept, and its type and number always are", () => {
  const size = fc.integer({ min: 1, max: 3_000 });
  fc.assert(
    fc.property(fc.jsonValue(), size, size, (value, fields, characters) => {
      const many = Object.fromEntries(
        Array.from({ length: fields }, (_, at) => [`${at}`, { value, text: "é".repeat(characters % 900) }]),
      );
      const event = { type: "x", sequence_number: 3, text: "x".repeat(MAX_KEPT_BYTES), many, response: many };
      const kept = keptEvent(entryOf(JSON.stringify(event)));
      expect(kept.data.length).toBeLessThanOrEqual(MAX_KEPT_BYTES);
      expect(JSON.parse(fromByteString(kept.data))).toMatchObject({ type: "x", sequence_number: 3 });
    }),
    { numRuns: 30 },
  );
});

test("of a large text that is no JSON nothing is kept", () => {
  expect(keptEvent(entryOf("x".repeat(100_000))).data).toBe("{}");
});
