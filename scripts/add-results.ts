/**
 * `node scripts/add-results.ts [--failed step=output]… <json>…`: adds up the results of several jest runs, one `--json` file
 * each, and failed steps with the files of their output. Prints what every failed test said and the end of every failed step's
 * output, then a line for each that failed, and last `N passed, N failed, N skipped`; exits with 1 if anything failed.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs, stripVTControlCharacters } from "node:util";

interface Suite {
  /** Absolute path of the suite's file. */
  readonly name: string;
  readonly status: string;
  /** All that the suite's failures said; why it could not run. */
  readonly message?: string;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages?: readonly string[] | null;
  }[];
}

export interface Run {
  readonly testResults: readonly Suite[];
}

export interface Failure {
  readonly name: string;
  /** What it said, shortened. */
  readonly said: string;
}

export interface Sum {
  readonly passed: number;
  readonly failed: readonly Failure[];
  readonly skipped: readonly string[];
}

/** Lines that are kept of a failure: a difference of two values may be long. */
const MOST_LINES = 60;

/**
 * Each test counts once: a suite that ran several times counts by its last run, which had the most fixtures. Failures count
 * in every run, as does a suite that could not run.
 */
export function addUp(runs: readonly Run[]): Sum {
  let passed = 0;
  const failed: Failure[] = [];
  const skipped: string[] = [];
  for (const [at, { testResults }] of runs.entries()) {
    const later = new Set(runs.slice(at + 1).flatMap((run) => run.testResults.map(fileOf)));
    for (const suite of testResults) {
      const counts = !later.has(fileOf(suite));
      const failures = suite.assertionResults.filter(({ status }) => status === "failed");
      failed.push(
        ...failures.map(({ fullName, failureMessages }) => ({
          name: fullName,
          said: `${fileOf(suite)}\n${firstLines(failureMessages?.join("\n") ?? "")}`,
        })),
      );
      if (suite.status === "failed" && failures.length === 0) {
        failed.push({ name: `${fileOf(suite)} could not run`, said: firstLines(suite.message ?? "") });
      }
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

const linesOf = (text: string): readonly string[] => stripVTControlCharacters(text).trimEnd().split("\n");

/** The beginning of what a test said, without the frames of what lies below the tests. */
const firstLines = (text: string): string =>
  linesOf(text)
    .filter((line) => !/^\s+at .*(node_modules|node:internal)/.test(line))
    .slice(0, MOST_LINES)
    .join("\n");

/** A step's name, and the end of its output. */
export function failedStep(given: string): Failure {
  const [name = "", path] = given.split("=");
  return { name, said: path === undefined ? "" : linesOf(readFileSync(path, "utf8")).slice(-MOST_LINES).join("\n") };
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { failed: { type: "string", multiple: true, default: [] } },
    allowPositionals: true,
  });
  // A run that left no results fails here.
  const { passed, failed: tests, skipped } = addUp(positionals.map((path) => JSON.parse(readFileSync(path, "utf8"))));
  const failed = [...tests, ...values.failed.map(failedStep)];
  for (const name of skipped) console.log(`skipped: ${name}`);
  for (const { name, said } of failed) console.log(`\n-- ${name}\n${said}\n`);
  for (const { name } of failed) console.log(`failed: ${name}`);
  console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
