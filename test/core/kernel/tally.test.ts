import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Tally } from "../../../src/core/kernel/tally.ts";

test("a tally counts what each key and all keys together hold, in any order of entering and leaving", () => {
  const steps = fc.array(fc.record({ key: fc.nat(3), leaves: fc.option(fc.nat(20)) }), { maxLength: 50 });
  fc.assert(
    fc.property(steps, (each) => {
      const tally = new Tally<number>();
      const inside: { readonly key: number; readonly leave: () => void }[] = [];
      for (const { key, leaves } of each) {
        if (leaves === null) inside.push({ key, leave: tally.enter(key) });
        else for (const { leave } of inside.splice(leaves, 1)) leave();
        expect(tally.total).toBe(inside.length);
        for (const name of [0, 1, 2, 3]) {
          expect(tally.of(name)).toBe(inside.filter((one) => one.key === name).length);
        }
      }
    }),
  );
});

test("leaving twice counts once", () => {
  const tally = new Tally<string>();
  const leave = tally.enter("a");
  tally.enter("a");
  leave();
  leave();
  expect([tally.of("a"), tally.total]).toEqual([1, 1]);
});

test("a tally counts amounts, and forgets a key that holds nothing", () => {
  const tally = new Tally<string>();
  tally.add("a", 100);
  tally.add("b", 20);
  tally.add("a", -100);
  expect([tally.of("a"), tally.of("b"), tally.total]).toEqual([0, 20, 20]);
});
