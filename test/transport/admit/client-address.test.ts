import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { clientKey, isThisMachine } from "../../../src/transport/admit/client-address.ts";

/** The eight groups of an IPv6 address, with realistic runs of zeros. */
const address6 = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });
const bytes4 = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
/** How to write it: upper case, leading zeros, which run of zeros to omit, the end as IPv4, and what encloses it. */
const style = fc.record({
  upper: fc.boolean(),
  width: fc.integer({ min: 1, max: 4 }),
  shorten: fc.option(fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 8 })), { nil: undefined }),
  dotted: fc.boolean(),
  around: fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => `[${text}]`,
    (text) => `[${text}]:4711`,
    (text) => `${text}%eth0`,
    (text) => `[${text}%25eth0]:80`,
  ),
});
type Style = typeof style extends fc.Arbitrary<infer Value> ? Value : never;

/** One of the texts RFC 4291, section 2.2, allows for an address. */
function written(groups: readonly number[], { upper, width, shorten, dotted, around }: Style): string {
  const texts = groups.map((group) => group.toString(16).padStart(width, "0"));
  if (dotted) {
    const [high = 0, low = 0] = groups.slice(6);
    texts.splice(6, 2, [high >> 8, high & 255, low >> 8, low & 255].join("."));
  }
  let text = texts.join(":");
  if (shorten) {
    const [from, length] = shorten;
    const end = Math.min(from + length, dotted ? 6 : 8);
    const isZero = from < end && groups.slice(from, end).every((group) => group === 0);
    if (isZero) text = `${texts.slice(0, from).join(":")}::${texts.slice(end).join(":")}`;
  }
  return around(upper ? text.toUpperCase() : text);
}

describe("a client", () => {
  test("of an IPv6 client is its /64 network, however its address is written", () => {
    fc.assert(
      fc.property(address6, style, fc.array(fc.nat(0xffff), { minLength: 4, maxLength: 4 }), (groups, form, other) => {
        fc.pre(groups.slice(0, 4).some((group) => group !== 0));
        const network = groups.slice(0, 4).map((group) => group.toString(16));
        expect(clientKey(written(groups, form))).toBe(network.join(":"));
        expect(clientKey(written([...groups.slice(0, 4), ...other], form))).toBe(network.join(":"));
      }),
      { numRuns: 2_000 },
    );
  });

  test("of an IPv4 client is its address, even mapped into IPv6, however that is written", () => {
    fc.assert(
      fc.property(bytes4, style, ([a = 0, b = 0, c = 0, d = 0], form) => {
        const plain = [a, b, c, d].join(".");
        const mapped = [0, 0, 0, 0, 0, 0xffff, a * 256 + b, c * 256 + d];
        expect(clientKey(written(mapped, form))).toBe(plain);
        expect(clientKey(plain)).toBe(plain);
        expect(clientKey(`${plain}:4711`)).toBe(plain);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["2001:DB8::1", "2001:db8:0:0"],
    ["2001:0db8:0000::0001", "2001:db8:0:0"],
    ["1::3:4:5:6:7:8", "1:0:3:4"],
    ["::ffff:cb00:7107", "203.0.113.7"],
    ["::FFFF:203.0.113.7", "203.0.113.7"],
    ["[::ffff:203.0.113.7]:4711", "203.0.113.7"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["0:0:0:0:0:0:0:1", "::1"],
  ])("at %s is %s", (address, key) => expect(clientKey(address)).toBe(key));

  test.each(["127.0.0.1", "127.9.9.9", "::1", "0::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "[::1]:80"])(
    "at %s is on this machine",
    (address) => expect(isThisMachine(clientKey(address))).toBe(true),
  );

  test.each(["128.0.0.1", "::2", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "fe80::1"])(
    "at %s is not on this machine",
    (address) => expect(isThisMachine(clientKey(address))).toBe(false),
  );

  test("without a valid address is the text itself", () => {
    for (const text of ["", "unknown", "1.2.3", "010.0.0.1", "::g", "1.2.3.4%eth0", "[1.2.3.4]"]) {
      expect(clientKey(text)).toBe(text);
    }
  });
});
