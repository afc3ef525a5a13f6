/**
 * `node scripts/add-results.ts [--failed step]… <json>…`: adds up the results of several jest runs, one `--json` file
 * each, and failed steps. Ends with a line `N passed, N failed, N skipped`; exits with 1 if anything failed.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";

interface Suite {
  /** Absolute path of the suite's file. */
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
}

export interface Run {
  readonly testResults: readonly Suite[];
}

export interface Sum {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
}

/**
 * Each test counts once: a suite that ran several times counts by its last run, which had the most fixtures. Failures count
 * in every run, as does a suite that could not run.
 */
export function addUp(runs: readonly Run[]): Sum {
  let passed = 0;
  const failed: string[] = [];
  const skipped: string[] = [];
  for (const [at, { testResults }] of runs.entries()) {
    const later = new Set(runs.slice(at + 1).flatMap((run) => run.testResults.map(fileOf)));
    for (const suite of testResults) {
      const counts = !later.has(fileOf(suite));
      const failures = suite.assertionResults.filter(({ status }) => status === "failed");
      failed.push(...failures.map(({ fullName }) => fullName));
      if (suite.status === "failed" && failures.length === 0) failed.push(`${fileOf(suite)} could not run`);
      for (const { fullName, status } of counts ? suite.assertionResults : []) {
        if (status === "passed") passed++;
        else if (status !== "failed") skipped.push(fullName);
      }
    }
  }
  return { passed, failed, skipped };
}

/** The suite's path in its checkout. */
const fileOf = ({ name }: Suite): string => name.slice(name.lastIndexOf("/test/") + 1);

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { failed: { type: "string", multiple: true, default: [] } },
    allowPositionals: true,
  });
  // A run that left no results fails here.
  const { passed, failed: tests, skipped } = addUp(positionals.map((path) => JSON.parse(readFileSync(path, "utf8"))));
  const failed = [...tests, ...values.failed];
  for (const name of skipped) console.log(`skipped: ${name}`);
  for (const name of failed) console.log(`failed: ${name}`);
  console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
