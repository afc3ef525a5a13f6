import { describe, expect, test } from "@jest/globals";
import { followed, LIVE_LIMITS } from "../../src/compose/limits.ts";
import { differencesOf } from "../../src/config/differences.ts";
import { limitsSchema } from "../../src/config/limits-schema.ts";

const before = limitsSchema.parse({});

/** Limits that all differ from the defaults. */
function allOthers(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  return Object.fromEntries(Object.entries(Object(value)).map(([key, inner]) => [key, allOthers(inner)]));
}

describe("the limits that follow the file", () => {
  const next = allOthers(before) as typeof before;

  test("are taken from it, and no others", () => {
    const changed = differencesOf({ limits: before }, { limits: followed(before, next) });
    expect([...changed].sort()).toEqual([...LIVE_LIMITS].sort());
  });

  test("have the file's values", () => {
    const waiting = differencesOf({ limits: followed(before, next) }, { limits: next });
    expect(waiting.filter((path) => (LIVE_LIMITS as readonly string[]).includes(path))).toEqual([]);
  });
});
