/** The wire contract: codes, dialects and frames, which the package exports as `sluice/protocol`. Runs in browsers, too. */
export * from "./codes.ts";
export * from "./dialects.ts";
export * from "./stream.ts";
