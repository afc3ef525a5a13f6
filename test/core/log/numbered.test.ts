import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Numbered } from "../../../src/core/log/numbered.ts";

const step = fc.oneof(fc.record({ push: fc.integer({ min: 1, max: 90 }) }), fc.record({ drop: fc.nat(120) }));

test("items keep their numbers, however many have passed through", () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.array(step, { maxLength: 40 }), (before, steps) => {
      const items = new Numbered<string>(before);
      let last = before;
      let dropped = before;
      for (const step of steps) {
        if ("push" in step) for (let count = 0; count < step.push; count++) items.push(`item ${++last}`);
        else {
          dropped = Math.min(last, dropped + step.drop);
          items.dropTo(dropped);
        }
        for (const number of [dropped, dropped + 1, Math.floor((dropped + last) / 2), last, last + 1]) {
          expect(items.at(number)).toBe(number > dropped && number <= last ? `item ${number}` : undefined);
        }
      }
    }),
  );
});
