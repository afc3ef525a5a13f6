import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { inOrder } from "../../../src/core/targets/target-order.ts";
import { TargetState } from "../../../src/core/targets/target-state.ts";

const targetOf = (id: string, weight = 1, running = 0) => {
  const state = new TargetState({}, 0);
  for (let stream = 0; stream < running; stream++) state.take(0, 0);
  return { id, weight, state };
};
const ids = (targets: readonly { readonly id: string }[]) => targets.map(({ id }) => id);
const targets = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .tuple(fc.double({ min: 0.01, max: 100, noNaN: true }), fc.nat(4))
          .map(([weight, running]) => targetOf(name, weight, running)),
      ),
    ),
  );

/** How often each target comes first, over many conversations. */
function shares(all: readonly ReturnType<typeof targetOf>[], conversations: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let index = 0; index < conversations; index++) {
    const [first] = inOrder(all, { choose: "weights", conversation: `c${index}`, random: () => 0 });
    counts.set(first?.id ?? "", (counts.get(first?.id ?? "") ?? 0) + 1);
  }
  return counts;
}

describe("the order of targets", () => {
  test("has each target once, whatever decides", () => {
    fc.assert(
      fc.property(
        targets,
        fc.constantFrom("order", "weights", "least_busy"),
        fc.option(fc.string(), { nil: undefined }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (all, choose, conversation, drawn) => {
          const ordered = inOrder(all, { choose, conversation, random: () => drawn });
          expect(ids(ordered).sort()).toEqual(ids(all).sort());
          if (choose === "order") expect(ids(ordered)).toEqual(ids(all));
        },
      ),
    );
  });

  test("follows weights: a target of three times the weight gets three times the conversations", () => {
    const counts = shares([targetOf("a", 1), targetOf("b", 3)], 4_000);
    expect((counts.get("b") ?? 0) / 4_000).toBeGreaterThan(0.72);
    expect((counts.get("b") ?? 0) / 4_000).toBeLessThan(0.78);
  });

  test("stays for a conversation, and moves only those whose target is gone", () => {
    const all = ["a", "b", "c", "d"].map((id) => targetOf(id));
    for (let index = 0; index < 200; index++) {
      const options = { choose: "weights" as const, conversation: `c${index}`, random: Math.random };
      const [first, second] = inOrder(all, options);
      expect(ids(inOrder(all, options))[0]).toBe(first?.id);
      const without = all.filter(({ id }) => id !== first?.id);
      expect(ids(inOrder(without, options))[0]).toBe(second?.id);
      const others = all.filter(({ id }) => id !== second?.id);
      expect(ids(inOrder(others, options))[0]).toBe(first?.id);
    }
  });

  test("puts the target with the fewest streams for its weight first", () => {
    const all = [targetOf("busy", 1, 3), targetOf("strong", 10, 10), targetOf("weak", 1, 2)];
    const ordered = inOrder(all, { choose: "least_busy", random: () => 0.5 });
    expect(ids(ordered)).toEqual(["strong", "weak", "busy"]);
  });
});
