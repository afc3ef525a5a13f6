import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { ClientFrame } from "../../../protocol/stream.ts";
import type { JsonObject } from "../../../src/core/kernel/json.ts";
import { usualFrame } from "../../../src/faces/stream/usual-frames.ts";

const open = { type: "open", id: "a", model: "m", body: { n: 1 }, flow: "none", away: "cancel" };
const ack = { type: "ack", received: 3, streams: { a: 0, "b:1": 7 } };

/** As the client library opens. */
const repeatable = { ...open, idempotencyKey: "k", batch: true };

test.each([[open], [repeatable], [{ type: "open", id: "a", route: "r", body: {} }], [ack], [{ type: "ack" }]])(
  "the usual frame %j is read without the schema",
  (frame) => {
    expect(usualFrame(frame as JsonObject)).toBe(frame);
  },
);

/** Right and wrong values for any field, so that frames are nearly right. */
const value = fc.oneof(
  fc.constantFrom(
    "open",
    "ack",
    "cancel",
    "a",
    "b:1",
    "",
    " ",
    "none",
    "ack",
    "finish",
    "x".repeat(128),
    "x".repeat(129),
    "é",
  ),
  fc.constantFrom<unknown>(
    0,
    1,
    -1,
    1.5,
    2 ** 53,
    true,
    null,
    undefined,
    [],
    {},
    { a: 1 },
    { "": 1 },
    { a: -1 },
    { é: 1 },
  ),
);
const field = fc.constantFrom(
  "type",
  "id",
  "model",
  "route",
  "body",
  "flow",
  "away",
  "received",
  "streams",
  "batch",
  "idempotencyKey",
  "extra",
);
const mutation = fc.tuple(field, value);

test("the schema accepts every frame that is read without it", () => {
  let told = 0;
  fc.assert(
    fc.property(fc.constantFrom(open, repeatable, ack), fc.array(mutation, { maxLength: 3 }), (frame, mutations) => {
      const mutated = { ...frame, ...Object.fromEntries(mutations) } as JsonObject;
      if (usualFrame(mutated) === undefined) return;
      told++;
      const result = ClientFrame.safeParse(mutated);
      expect(result.error).toBeUndefined();
      expect(result.data).toEqual(mutated);
    }),
    { numRuns: 5_000 },
  );
  expect(told).toBeGreaterThan(500);
});
