import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Dialect, Interpreter } from "../../src/core/dialect.ts";
import type { JsonValue } from "../../src/core/json.ts";
import { dialectNames, dialects } from "../../src/dialects/registry.ts";

/** Words that providers use, so that arbitrary input gets past the first look. */
const words = fc.constantFrom(
  ..."type error message message_start message_delta message_stop content_block_start content_block_delta".split(" "),
  ..."content_block delta text thinking tool_use input_json_delta partial_json index usage input_tokens".split(" "),
  ..."choices finish_reason content tool_calls function arguments reasoning_content x_groq prompt_tokens".split(" "),
  ..."response.output_item.added response.completed response.failed response item output_index [DONE]".split(" "),
);

const value: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.oneof(words, fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof({ arbitrary: words, weight: 9 }, { arbitrary: fc.string(), weight: 1 }), tie("value")),
  ),
})).value;

const event = fc.tuple(fc.option(words, { nil: undefined }), fc.option(value, { nil: undefined }), fc.string());

const replay = (interpreter: Interpreter, events: readonly [string | undefined, JsonValue | undefined, string][]) =>
  events.map(([name, data, text]) => interpreter.read(name, data, text));

test("every dialect is listed under its own name", () => {
  expect([...dialects.keys()]).toEqual([...dialectNames]);
  for (const [name, dialect] of dialects) expect(dialect.name).toBe(name);
});

describe.each([...dialects])("%s", (_, dialect: Dialect) => {
  test("reads any events whatever without throwing", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        for (const meaning of replay(dialect.interpreter(), events)) expect(typeof meaning).toBe("object");
      }),
      { numRuns: 500 },
    );
  });

  test("reports only counts that the wire contract allows, and tool calls at whole positions", () => {
    const whole = (figure: number) => Number.isInteger(figure) && figure >= 0;
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        for (const { usage, toolCalls } of replay(dialect.interpreter(), events)) {
          expect(Object.values(usage ?? {}).every(whole)).toBe(true);
          expect((toolCalls ?? []).every((call) => whole(call.index))).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("keeps nothing of one stream for the next", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), (events) => {
        const first = replay(dialect.interpreter(), events);
        expect(replay(dialect.interpreter(), events)).toEqual(first);
      }),
    );
  });

  test("leaves the caller's body alone and loses none of its fields", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (body) => {
        const before = structuredClone(body);
        const built = dialect.body({ body, model: undefined });
        expect(body).toEqual(before);
        expect(built).toMatchObject({ ...before, ...("stream" in built && { stream: built.stream }) });
      }),
    );
  });
});
