import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { SecretFilter } from "../../../src/upstream/policy/secret-filter.ts";

const SECRET = "aab-aab-aaab-0123";
const filterOf = () => new SecretFilter({ secrets: [SECRET] });

test("a body in any pieces comes out as it would whole, at the same length and with its secrets covered", () => {
  const piece = fc.oneof(fc.constantFrom(SECRET, "aab-", "aab-aab-aa", "b-0123", "é", ""), fc.string({ maxLength: 5 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(80), { maxLength: 6 }), (pieces, cuts) => {
      const whole = pieces.join("");
      const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
      const filter = filterOf();
      const out = at.slice(1).map((to, index) => filter.take(whole.slice(at[index], to)));
      expect([...out, filter.end()].join("")).toBe(whole.replaceAll(SECRET, "*".repeat(SECRET.length)));
    }),
  );
});

test("only what may begin a secret waits", () => {
  const filter = filterOf();
  expect(filter.take("data: hello\n\n")).toBe("data: hello\n\n");
  expect(filter.take("hello aab-a")).toBe("hello ");
  expect(filter.take("xx")).toBe("aab-axx");
});
