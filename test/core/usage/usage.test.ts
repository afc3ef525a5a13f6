import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Usage } from "../../../protocol/stream.ts";
import { type EndedStream, estimateTokens, mergeCounts, settleUsage } from "../../../src/core/usage/usage.ts";

const count = fc.nat();
const counts = fc.record(
  {
    inputTokens: count,
    outputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    reasoningTokens: count,
  },
  { requiredKeys: [] },
);
const settled = fc.record({
  counts,
  whole: fc.boolean(),
  sent: fc.boolean(),
  readable: fc.boolean(),
  inputCharacters: count,
  outputCharacters: count,
  /** How many characters came after the provider's last report. */
  uncounted: fc.oneof(fc.constant(0), count),
});
type Settled = (typeof settled extends fc.Arbitrary<infer Drawn> ? Drawn : never) & object;
const ended = ({ uncounted, ...stream }: Settled) => ({
  ...stream,
  countedCharacters: Math.max(0, stream.outputCharacters - uncounted),
});
const given = ({ counts, inputCharacters, outputCharacters, countedCharacters = 0 }: EndedStream) => ({
  input: counts.inputTokens
    ? true
    : counts.inputTokens === 0 && inputCharacters + outputCharacters === 0 && !counts.outputTokens,
  output: counts.outputTokens
    ? countedCharacters === outputCharacters
    : counts.outputTokens === 0 && outputCharacters === 0,
});

describe("merging counts", () => {
  test("takes the largest figure of each name: cumulative counts never fall", () => {
    fc.assert(
      fc.property(fc.array(counts), (reports) => {
        const merged = reports.reduce(mergeCounts, {});
        const names = [
          "inputTokens",
          "outputTokens",
          "cacheReadTokens",
          "cacheWriteTokens",
          "reasoningTokens",
        ] as const;
        for (const name of names) {
          const given = reports.map((report) => report[name]).filter((figure) => figure !== undefined);
          expect(merged[name]).toBe(given.length > 0 ? Math.max(...given) : undefined);
        }
      }),
    );
  });

  test("changes nothing when the same report is repeated", () => {
    fc.assert(
      fc.property(counts, counts, (before, report) => {
        const once = mergeCounts(before, report);
        expect(mergeCounts(once, report)).toEqual(once);
      }),
    );
  });

  test("leaves its arguments as they were", () => {
    const before = Object.freeze({ inputTokens: 1 });
    expect(mergeCounts(before, Object.freeze({ inputTokens: 2, outputTokens: 3 }))).not.toBe(before);
    expect(before).toEqual({ inputTokens: 1 });
  });
});

test("an estimate is four characters a token, rounded up", () => {
  expect([0, 1, 4, 5, 4_000].map(estimateTokens)).toEqual([0, 1, 1, 2, 1_000]);
});

describe("the usage of an ended stream", () => {
  const stream = {
    counts: {},
    whole: true,
    sent: true,
    readable: true,
    inputCharacters: 40,
    outputCharacters: 20,
    countedCharacters: 20,
  } as const;

  test("is exact, with the provider's own figures, if the stream is complete", () => {
    const exact = { inputTokens: 7, outputTokens: 3, cacheReadTokens: 2 };
    expect(settleUsage({ ...stream, counts: exact })).toEqual({ source: "exact", ...exact });
  });

  test("is estimated from the characters if the provider reported nothing", () => {
    expect(settleUsage(stream)).toEqual({ source: "estimated", inputTokens: 10, outputTokens: 5 });
  });

  test("is estimated if the provider reports no output beside visible text", () => {
    const counts = { inputTokens: 7, outputTokens: 0 };
    expect(settleUsage({ ...stream, counts })).toEqual({ source: "estimated", inputTokens: 7, outputTokens: 5 });
  });

  test("is exact if the provider reports no output and there was none", () => {
    const counts = { inputTokens: 7, outputTokens: 0 };
    expect(settleUsage({ ...stream, counts, outputCharacters: 0 })).toEqual({ source: "exact", ...counts });
  });

  test("keeps the provider's input if only the output is missing", () => {
    const usage = settleUsage({ ...stream, counts: { inputTokens: 7, cacheReadTokens: 2 } });
    expect(usage).toEqual({ source: "estimated", inputTokens: 7, outputTokens: 5, cacheReadTokens: 2 });
  });

  test("of a cut stream is at least what was seen, whatever the provider reported before", () => {
    const cut = (outputTokens: number) =>
      settleUsage({ ...stream, whole: false, counts: { inputTokens: 7, outputTokens } });
    expect(cut(1)).toEqual({ source: "estimated", inputTokens: 7, outputTokens: 5 });
    expect(cut(9)).toEqual({ source: "estimated", inputTokens: 7, outputTokens: 9 });
  });

  test("is estimated if text followed the provider's last report, which did not count it", () => {
    const counts = { inputTokens: 7, outputTokens: 3 };
    expect(settleUsage({ ...stream, counts, countedCharacters: 12 })).toEqual({
      source: "estimated",
      inputTokens: 7,
      outputTokens: 5,
    });
    expect(settleUsage({ ...stream, counts, countedCharacters: 12, whole: false }).outputTokens).toBe(5);
  });

  test("has at least one input token if there is an answer, even if the request has no text", () => {
    const counts = { inputTokens: 0, outputTokens: 54 };
    expect(settleUsage({ ...stream, counts, inputCharacters: 0 })).toEqual({
      source: "estimated",
      inputTokens: 1,
      outputTokens: 54,
    });
  });

  test("is exactly zero if the request was never sent, or was refused", () => {
    const usage = settleUsage({ ...stream, whole: false, sent: false });
    expect(usage).toEqual({ source: "exact", inputTokens: 0, outputTokens: 0 });
  });

  test("has no figures if the answer cannot be decoded", () => {
    expect(settleUsage({ ...stream, whole: false, readable: false })).toEqual({ source: "unknown" });
  });

  test("of a complete stream is exact if and only if both figures are valid, and never zero beside visible text", () => {
    fc.assert(
      fc.property(settled, (any) => {
        const stream = { ...ended(any), whole: true, sent: true, readable: true };
        const usage = settleUsage(stream);
        const { input, output } = given(stream);
        expect(usage.source).toBe(input && output ? "exact" : "estimated");
        if (any.inputCharacters > 0) expect(usage.inputTokens).toBeGreaterThan(0);
        if (any.outputCharacters > 0) expect(usage.outputTokens).toBeGreaterThan(0);
      }),
    );
  });

  test("is always what the wire contract allows", () => {
    fc.assert(fc.property(settled, (any) => Usage.parse(settleUsage(ended(any))) !== undefined));
  });

  test("is never exact for a cut stream that was sent", () => {
    fc.assert(
      fc.property(settled, (any) => {
        const { source } = settleUsage({ ...ended(any), whole: false, sent: true, readable: true });
        expect(source).toBe("estimated");
      }),
    );
  });
});
