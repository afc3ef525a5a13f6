import process from "node:process";

const REQUIRED_NODE = 24;
if (Number.parseInt(process.versions.node, 10) < REQUIRED_NODE) {
  throw new Error(`Node ${REQUIRED_NODE} or newer is needed for the tests, this is ${process.versions.node}`);
}

// Sources are TypeScript that Node can strip; the transformer does just that, so line numbers stay exact.
export default {
  testEnvironment: "<rootDir>/test/support/jest/suite-environment.ts",
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/support/jest/strip-types.js" },
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  collectCoverageFrom: ["src/**/*.ts", "protocol/**/*.ts"],
  coverageProvider: "v8",
  coverageReporters: ["text-summary", "text", "json-summary"],
  // A busy machine takes its time; a test that hangs is told apart by this alone.
  testTimeout: 120_000,
  testSequencer: "<rootDir>/test/support/jest/suite-order.js",
  // Many suites wait for leases, databases and browsers: two at a time left two cores idle.
  maxWorkers: 3,
  // A worker keeps the modules of every suite it ran, and coverage looks at all of them after each one.
  workerIdleMemoryLimit: "1GB",
  // A large heap on a busy machine takes its time to be given back: longer than that, something was left open.
  workerGracefulExitTimeout: 30_000,
};
