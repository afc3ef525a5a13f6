import { describe, expect, test } from "@jest/globals";
import { addUp, type Run } from "../../scripts/add-results.ts";

/** A run in some checkout: suites by file, tests by name with their outcome. */
const run = (checkout: string, suites: Readonly<Record<string, Readonly<Record<string, string>>>>): Run => ({
  testResults: Object.entries(suites).map(([file, tests]) => ({
    name: `${checkout}/${file}`,
    status: Object.values(tests).includes("failed") || "did not load" in tests ? "failed" : "passed",
    assertionResults: Object.entries(tests)
      .filter(([fullName]) => fullName !== "did not load")
      .map(([fullName, status]) => ({ fullName, status })),
  })),
});

describe("the results of several runs", () => {
  test("count each test once: a suite that ran twice counts by its last run", () => {
    const alone = run("/tmp/alone", {
      "test/a.test.ts": { a: "passed" },
      "test/b.test.ts": { b: "passed", c: "pending" },
    });
    const beside = run("/home/beside", { "test/b.test.ts": { b: "passed", c: "passed" } });
    expect(addUp([alone])).toEqual({ passed: 2, failed: [], skipped: ["c"] });
    expect(addUp([alone, beside])).toEqual({ passed: 3, failed: [], skipped: [] });
  });

  test("count failures of every run, and suites that could not run", () => {
    const alone = run("/tmp/alone", { "test/a.test.ts": { a: "failed" }, "test/b.test.ts": { b: "passed" } });
    const beside = run("/home/beside", { "test/a.test.ts": { a: "passed" }, "test/b.test.ts": { "did not load": "" } });
    expect(addUp([alone, beside])).toEqual({ passed: 1, failed: ["a", "test/b.test.ts could not run"], skipped: [] });
  });
});
