import { crc32 } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isSecret, isWhole, writeSecret } from "../../../src/core/caller/key-secret.ts";

const random = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("the secret of a gateway key", () => {
  test("is a prefix, 43 letters and digits and a checksum of 6, for any random bytes", () => {
    fc.assert(
      fc.property(random, (bytes) => {
        const secret = writeSecret(bytes);
        expect(secret).toMatch(/^sluice_[0-9A-Za-z]{49}$/);
        expect(isSecret(secret)).toBe(true);
        expect(isWhole(secret)).toBe(true);
      }),
    );
    expect(writeSecret(new Uint8Array(32))).toMatch(/^sluice_0{43}/);
    expect(isWhole(writeSecret(new Uint8Array(32).fill(255)))).toBe(true);
  });

  test("differs for different random bytes", () => {
    fc.assert(
      fc.property(random, random, (one, other) => {
        fc.pre(Buffer.compare(one, other) !== 0);
        expect(writeSecret(one)).not.toBe(writeSecret(other));
      }),
    );
  });

  test("has the CRC-32 of its 43 characters, in base 62, as its checksum", () => {
    const secret = writeSecret(Uint8Array.from({ length: 32 }, (_, at) => at));
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const checksum = [...secret.slice(-6)].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0);
    expect(checksum).toBe(crc32(secret.slice(7, 50)));
  });

  test("is recognised as damaged by one wrong, missing or extra character, or two swapped ones", () => {
    fc.assert(
      fc.property(random, fc.nat(48), fc.constantFrom(..."09AZaz_- "), (bytes, at, wrong) => {
        const secret = writeSecret(bytes);
        const place = 7 + at;
        fc.pre(secret[place] !== wrong);
        expect(isWhole(secret.slice(0, place) + wrong + secret.slice(place + 1))).toBe(false);
        expect(isWhole(secret.slice(0, -1))).toBe(false);
        expect(isWhole(`${secret}${wrong}`)).toBe(false);
        const swapped = secret.slice(0, place) + (secret[place + 1] ?? "") + secret[place] + secret.slice(place + 2);
        expect(isWhole(swapped)).toBe(swapped === secret);
      }),
    );
  });

  test("is recognised by its prefix", () => {
    expect(isSecret("a shared token")).toBe(false);
    expect(isSecret("SLUICE_x")).toBe(false);
  });
});
