import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { Window } from "../../../src/core/stream/flow.ts";

type Step = { readonly send: number } | { readonly ack: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ send: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 2, arbitrary: fc.record({ ack: fc.nat(80) }) },
);
const limits = fc.record({
  maxBytes: fc.integer({ min: 1, max: 1_000 }),
  maxEntries: fc.integer({ min: 1, max: 40 }),
});

describe("a window", () => {
  test("behaves like a list of sizes shortened by acknowledgements, in any order", () => {
    fc.assert(
      fc.property(limits, fc.nat(1_000), fc.array(step, { maxLength: 200 }), (limits, from, steps) => {
        const window = new Window(limits, from);
        const sizes: number[] = [];
        let acked = 0;
        const waiting = () => sizes.slice(acked);
        const bytes = () => waiting().reduce((sum, size) => sum + size, 0);

        for (const step of steps) {
          if ("send" in step) {
            const fits =
              waiting().length === 0 ||
              (waiting().length < limits.maxEntries && bytes() + step.send <= limits.maxBytes);
            expect(window.admits(step.send)).toBe(fits);
            if (!fits) continue;
            window.send(step.send);
            sizes.push(step.send);
          } else if (step.ack > sizes.length) {
            expect(() => window.acknowledge(from + step.ack)).toThrow(GatewayError);
          } else {
            window.acknowledge(from + step.ack);
            acked = Math.max(acked, step.ack);
          }
          expect(window).toMatchObject({ sent: from + sizes.length, acked: from + acked, unackedBytes: bytes() });
          expect(bytes() <= limits.maxBytes || waiting().length === 1).toBe(true);
        }
      }),
    );
  });

  test("admits one entry larger than itself, and nothing beside it", () => {
    const window = new Window({ maxBytes: 10, maxEntries: 10 });
    expect(window.admits(500)).toBe(true);
    window.send(500);
    expect(window.admits(1)).toBe(false);
    window.acknowledge(1);
    expect(window.admits(1)).toBe(true);
  });

  test("rejects an acknowledgement beyond what was sent with bad_frame, unchanged", () => {
    const window = new Window({ maxBytes: 10, maxEntries: 10 }, 7);
    window.send(1);
    expect(() => window.acknowledge(9)).toThrow(expect.objectContaining({ code: "bad_frame", details: { sent: 8 } }));
    expect(window.acked).toBe(7);
  });
});
