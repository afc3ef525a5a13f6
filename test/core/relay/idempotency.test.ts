import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fingerprintOf, type IdempotencyLimits, IdempotencyRecords } from "../../../src/core/relay/idempotency.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("base64");
const print = (request: unknown, ...payer: [caller: string, upstreamKey: string | undefined] | []) =>
  fingerprintOf(digest, request, payer.length === 0 ? undefined : payer);

interface Kept {
  readonly fingerprint: ReturnType<typeof print>;
  readonly name: string;
}
const kept = (name: string): Kept => ({ name, fingerprint: print(name, "alice", undefined) });

function recordsOf(limits: Partial<IdempotencyLimits<Kept>>) {
  const clock = { nowMs: 0, now: () => clock.nowMs };
  return { clock, records: new IdempotencyRecords<Kept>({ maxRecords: 100, ...limits }, clock) };
}

describe("a fingerprint", () => {
  test("is the same for the same request and differs for any other of ordinary size", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(print(one).request === print(other).request).toBe(isSame);
        expect(print(structuredClone(one))).toEqual(print(one));
      }),
    );
  });

  test("tells two texts of 64 KiB apart that differ in one character", () => {
    fc.assert(
      fc.property(fc.nat(65_535), (at) => {
        const text = "a".repeat(65_536);
        expect(print([text]).request).not.toBe(print([`${text.slice(0, at)}b${text.slice(at + 1)}`]).request);
      }),
      { numRuns: 20 },
    );
  });

  test("tells two long documents apart by a single word", () => {
    const document = (word: string) =>
      `${"All work and no play. ".repeat(9_000)}${word}${" More of it.".repeat(9_000)}`;
    expect(print(document("yes")).request).not.toBe(print(document("not")).request);
  });

  test("tells two pictures of one size apart, and hashes a few KB of each", () => {
    const picture = (byte: number) => Buffer.alloc(6_000_000, byte).toString("base64");
    const hashed: number[] = [];
    const measured = (text: string) => {
      hashed.push(text.length);
      return digest(text);
    };
    const [one, other] = [1, 2].map((byte) => fingerprintOf(measured, { type: "image", base64: picture(byte) }));
    expect(one?.request).not.toBe(other?.request);
    expect(Math.max(...hashed)).toBeLessThan(8_192);
    expect(print(picture(1)).request).not.toBe(print(picture(1).slice(4)).request);
  });

  test("holds neither the request nor the payer's key", () => {
    const { request, payer } = print({ text: "the prompt" }, "alice", "sk-secret");
    expect(`${request} ${payer}`).not.toMatch(/prompt|alice|sk-secret/);
  });
});

describe("an idempotency key", () => {
  test("finds the record of the same request by the same payer", () => {
    const { records } = recordsOf({});
    const record = kept("one");
    records.add("key", record);
    expect(records.find("key", print("one", "alice", undefined))).toBe(record);
    expect(records.find("other key", print("one", "alice", undefined))).toBeUndefined();
  });

  test.each([
    ["another request", print("two", "alice", undefined)],
    ["another caller", print("one", "bob", undefined)],
    ["another upstream key", print("one", "alice", "sk-2")],
  ])("is refused for %s", (_what, fingerprint) => {
    const { records } = recordsOf({});
    records.add("key", kept("one"));
    expect(() => records.find("key", fingerprint)).toThrow("the idempotency key was used for another request");
  });

  test("is held against a record that was restored without its payer", () => {
    const { records } = recordsOf({});
    const stored = { name: "one", fingerprint: print("one") };
    expect(records.find("key", print("one", "bob", "sk-2"), () => stored)).toBe(stored);
    expect(() => records.find("key", print("two", "bob", "sk-2"), () => stored)).toThrow("another request");
  });
});

describe("records are forgotten", () => {
  test("when they are older than their age", () => {
    const { clock, records } = recordsOf({ maxAgeMs: 1_000 });
    records.add("old", kept("old"));
    clock.nowMs = 500;
    records.add("young", kept("young"));
    clock.nowMs = 1_001;
    expect(records.get("old")).toBeUndefined();
    expect(records.get("young")?.name).toBe("young");
  });

  test("the oldest first when there are too many, those in use never", () => {
    const { records } = recordsOf({ maxRecords: 2, isInUse: ({ name }) => name === "b" });
    for (const name of ["a", "b", "c", "d"]) records.add(name, kept(name));
    expect(["a", "b", "c", "d"].filter((name) => records.get(name))).toEqual(["b", "d"]);
  });

  test("by the age of their last use as a key, not of their first", () => {
    const { records } = recordsOf({ maxRecords: 2 });
    for (const name of ["a", "b", "a", "c"]) records.add(name, kept(name));
    expect(["a", "b", "c"].filter((name) => records.get(name))).toEqual(["a", "c"]);
  });
});
