import { expect, test } from "@jest/globals";
import { REFUSAL_WINDOW_MS, Refusals } from "../../src/observe/refusals.ts";
import { recordsOf } from "./log-lines.ts";

const refusal = (remoteAddress = "10.0.0.1", where = "upgrade") => ({
  code: "unauthorized" as const,
  remoteAddress,
  where,
});

test("the first refusal of a kind is logged at once, with its address", () => {
  const lines = new Refusals(() => 0).note(refusal());
  expect(lines).toEqual([{ event: "refused", code: "unauthorized", where: "upgrade", remoteAddress: "10.0.0.1" }]);
});

test("a flood costs two lines per window: the first, and one that counts the rest", () => {
  let now = 0;
  const refusals = new Refusals(() => now);
  const lines: unknown[] = [];
  for (let count = 0; count < 100_000; count++) lines.push(...refusals.note(refusal(`10.0.0.${count % 3}`)));
  expect(lines).toHaveLength(1);
  now = REFUSAL_WINDOW_MS;
  expect(refusals.summaries()).toEqual([
    { event: "refused", code: "unauthorized", where: "upgrade", repeated: 99_999, addresses: 3 },
  ]);
  expect(refusals.summaries()).toEqual([]);
});

test("kinds are counted separately, and a refusal after the window starts a new one", () => {
  let now = 0;
  const refusals = new Refusals(() => now);
  expect(refusals.note(refusal())).toHaveLength(1);
  expect(refusals.note(refusal("10.0.0.1", "stream"))).toHaveLength(1);
  expect(refusals.note(refusal())).toHaveLength(0);
  now = REFUSAL_WINDOW_MS;
  expect(refusals.note(refusal("10.0.0.9"))).toEqual([
    { event: "refused", code: "unauthorized", where: "upgrade", repeated: 1, addresses: 1 },
    { event: "refused", code: "unauthorized", where: "upgrade", remoteAddress: "10.0.0.9" },
  ]);
});

test("each caller's refusals have lines of their own, with the caller and the setting that cures them", () => {
  const refusals = new Refusals(() => 0);
  const of = (caller: string) =>
    refusals.note({ ...refusal(), code: "rate_limited", caller, setting: "limits.opensPerSecond" });
  const line = { event: "refused", code: "rate_limited", where: "upgrade" };
  const first = { ...line, remoteAddress: "10.0.0.1", setting: "limits.opensPerSecond" };
  expect(of("alice")).toEqual([{ ...first, caller: "alice" }]);
  expect(of("alice")).toEqual([]);
  expect(of("bob")).toEqual([{ ...first, caller: "bob" }]);
  expect(refusals.summaries(true)).toEqual([{ ...line, caller: "alice", repeated: 1, addresses: 1 }]);
});

test("places invented by clients cannot create endless kinds", () => {
  const refusals = new Refusals(() => 0);
  const lines: unknown[] = [];
  for (let count = 0; count < 5_000; count++) lines.push(...refusals.note(refusal("10.0.0.1", `/path/${count}`)));
  expect(lines).toHaveLength(65);
  expect(refusals.summaries(true)).toEqual([
    { event: "refused", code: "other", where: "other", repeated: 4_935, addresses: 1 },
  ]);
});

test("pending counts are written when the log closes", async () => {
  const lines = await recordsOf((log) => {
    for (let count = 0; count < 4; count++) log.observer.refused(refusal());
  });
  expect(lines).toMatchObject([
    { level: "warn", remoteAddress: "10.0.0.1" },
    { level: "warn", repeated: 3 },
  ]);
});
