import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { highestRung } from "../../bench/scenarios/rungs.ts";

describe("the search for the highest rung", () => {
  test("finds it from every starting point", async () => {
    const starts = fc.option(fc.nat(18), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -1, max: 18 }), starts, async (highest, before) => {
        const found = await highestRung(19, before, async (rung) => rung <= highest);
        expect(found).toBe(highest < 0 ? undefined : highest);
      }),
    );
  });

  test("takes two tries if nothing has changed", async () => {
    let tries = 0;
    const found = await highestRung(19, 7, async (rung) => {
      tries++;
      return rung <= 7;
    });
    expect([found, tries]).toEqual([7, 2]);
  });
});
