import { describe, expect, test } from "@jest/globals";
import { addUp, type Run } from "../../scripts/add-results.ts";

/** A run in some checkout: suites by their file, tests by their name and how they ended. */
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
  test("count each test once: where a suite ran twice, by the run that came last", () => {
    const alone = run("/tmp/alone", {
      "test/a.test.ts": { a: "passed" },
      "test/b.test.ts": { b: "passed", c: "pending" },
    });
    const beside = run("/home/beside", { "test/b.test.ts": { b: "passed", c: "passed" } });
    expect(addUp([alone])).toEqual({ passed: 2, failed: [], skipped: ["c"] });
    expect(addUp([alone, beside])).toEqual({ passed: 3, failed: [], skipped: [] });
  });

  test("count what failed in any run, and what could not run", () => {
    const alone = run("/tmp/alone", { "test/a.test.ts": { a: "failed" }, "test/b.test.ts": { b: "passed" } });
    const beside = run("/home/beside", { "test/a.test.ts": { a: "passed" }, "test/b.test.ts": { "did not load": "" } });
    expect(addUp([alone, beside])).toEqual({ passed: 1, failed: ["a", "test/b.test.ts could not run"], skipped: [] });
  });
});
