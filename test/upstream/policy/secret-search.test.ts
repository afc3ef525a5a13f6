import { expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { SseReader } from "../../../src/upstream/body/sse-reader.ts";
import { SecretRedactor } from "../../../src/upstream/policy/secret-redactor.ts";
import { SecretSearch } from "../../../src/upstream/policy/secret-search.ts";

const KEY = "abcdef/0123456789";
const redactor = new SecretRedactor({ authorization: `Bearer ${KEY}` });

const line = fc.constantFrom("hello", KEY, KEY.replace("/", "\\/"), KEY.slice(0, 9), KEY.slice(9), `{"text":"${KEY}"}`);
const event = fc.array(line, { minLength: 1, maxLength: 3 });
const bodies = fc.array(event, { maxLength: 8 }).map((events) => events.map(asEvent).join(""));

function asEvent(lines: readonly string[]): string {
  return `${lines.map((one) => `data: ${one}\n`).join("")}\n`;
}

test("a secret is found in the events that hold it, however reads cut them", () => {
  fc.assert(
    fc.property(bodies, fc.array(fc.nat(), { maxLength: 5 }), (body, cuts) => {
      const search = new SecretSearch(redactor);
      const reader = new SseReader(1_000_000, {
        event: (_name, _data, bytes) => expect(search.isIn(bytes)).toBe(redactor.areIn(bytes)),
        malformed: () => undefined,
        tooLarge: () => undefined,
      });
      const ends = [...cuts.map((cut) => cut % (body.length + 1)), body.length].sort((one, other) => one - other);
      for (const [index, end] of ends.entries()) {
        const read = body.slice(ends[index - 1] ?? 0, end);
        search.begin(read);
        reader.read(read);
        search.end();
      }
      reader.end();
    }),
  );
});

test("a read of many events is searched twice, not once for each", () => {
  const search = new SecretSearch(redactor);
  const areIn = jest.spyOn(redactor, "areIn");
  try {
    search.begin("data: one\n\ndata: two\n\ndata: three\n\n");
    for (const data of ["one", "two", "three"]) expect(search.isIn(data)).toBe(false);
    search.end();
    expect(areIn).toHaveBeenCalledTimes(2);
  } finally {
    areIn.mockRestore();
  }
});
