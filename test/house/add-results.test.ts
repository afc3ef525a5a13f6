import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { addUp, failedStep, type Run } from "../../scripts/add-results.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();

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
    expect(addUp([alone, beside])).toEqual({
      passed: 1,
      failed: [
        { name: "a", said: "test/a.test.ts\n" },
        { name: "test/b.test.ts could not run", said: "" },
      ],
      skipped: [],
    });
  });

  test("tell what a failed test and a suite that could not run said, in plain text and not at any length", () => {
    const error = "\u001b[31mError: expected 1\u001b[39m";
    const frames = ["at test/a.test.ts:3:1", "at run (node_modules/jest/x.js:1:1)", "at node:internal/process:1:1"];
    const lines = Array.from({ length: 1_000 }, (_, line) => `line ${line}`);
    const found = addUp([
      {
        testResults: [
          {
            name: "/tmp/test/a.test.ts",
            status: "failed",
            assertionResults: [
              {
                fullName: "a",
                status: "failed",
                failureMessages: [[error, ...frames.map((each) => `    ${each}`)].join("\n")],
              },
              { fullName: "b", status: "failed", failureMessages: [lines.join("\n")] },
            ],
          },
          { name: "/tmp/test/c.test.ts", status: "failed", message: error, assertionResults: [] },
        ],
      },
    ]);
    const [a, b, c] = found.failed.map(({ said }) => said);
    expect(a).toBe("test/a.test.ts\nError: expected 1\n    at test/a.test.ts:3:1");
    expect(b?.split("\n")).toEqual(["test/a.test.ts", ...lines.slice(0, 60)]);
    expect(c).toBe("Error: expected 1");
  });

  test("tell the end of a failed step's output", () => {
    const file = join(newDirectory(), "soak.log");
    const lines = Array.from({ length: 1_000 }, (_, line) => `line ${line}`);
    writeFileSync(file, `${lines.join("\n")}\n`);
    expect(failedStep(`soak=${file}`)).toEqual({ name: "soak", said: lines.slice(-60).join("\n") });
  });
});
