// Sources are TypeScript that Node can strip; the transformer does just that, so line numbers stay exact.
export default {
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/support/strip-types.js" },
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  collectCoverageFrom: ["src/**/*.ts", "protocol/**/*.ts"],
  coverageProvider: "v8",
  coverageReporters: ["text-summary", "text", "json-summary"],
  testTimeout: 60_000,
  maxWorkers: 2,
};
