import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { BoundedMap } from "../../../src/core/kernel/bounded-map.ts";

interface Value {
  readonly number: number;
  readonly stays: boolean;
}

const key = fc.nat(9);
const value = fc.record({ number: fc.nat(99), stays: fc.boolean() });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key, value }),
  fc.record({ do: fc.constant("delete" as const), key }),
  fc.record({ do: fc.constant("forget" as const), below: fc.nat(99) }),
);

/** The same rules on a list, oldest first. */
function model(steps: readonly Step[], max: number): readonly (readonly [number, Value])[] {
  let list: (readonly [number, Value])[] = [];
  for (const each of steps) {
    if (each.do === "forget") {
      const kept = list.findIndex(([, { number }]) => number >= each.below);
      list = kept < 0 ? [] : list.slice(kept);
      continue;
    }
    list = list.filter(([other]) => other !== each.key);
    if (each.do === "set") list.push([each.key, each.value]);
    while (list.length > max && list.some(([, { stays }]) => !stays)) {
      list.splice(
        list.findIndex(([, { stays }]) => !stays),
        1,
      );
    }
  }
  return list;
}

test("a bounded map keeps its newest entries, and exceeds its bound only with entries it must keep", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, max) => {
      const map = new BoundedMap<number, Value>(max, ({ stays }) => !stays);
      for (const each of steps) {
        if (each.do === "set") map.set(each.key, each.value);
        else if (each.do === "delete") map.delete(each.key);
        else map.forgetWhile(({ number }) => number < each.below);
      }
      const kept = model(steps, max);
      expect(map.size).toBe(kept.length);
      for (let at = 0; at <= 9; at++) expect(map.get(at)).toBe(kept.find(([other]) => other === at)?.[1]);
    }),
  );
});

test("setting a key again makes it the newest", () => {
  const map = new BoundedMap<string, number>(2);
  for (const [name, number] of Object.entries({ a: 1, b: 2 })) map.set(name, number);
  map.set("a", 3);
  map.set("c", 4);
  expect(["a", "b", "c"].map((name) => map.get(name))).toEqual([3, undefined, 4]);
});
