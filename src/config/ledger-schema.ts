import * as z from "zod";
import { milliseconds } from "./limits-schema.ts";

/** The record of usage: one row per stream, see docs/usage.md. */
export const ledgerSchema = z.strictObject({
  mode: z
    .enum(["alongside", "strict", "off"])
    .default("alongside")
    .describe(
      "alongside: a stream's row is written while its upstream is called; strict: before the call; off: nothing is recorded",
    ),
  spoolRows: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe(
      "rows kept in memory while the ledger cannot be written, about 1 KiB each; beyond that, opens are refused",
    ),
  openWaitMs: milliseconds(2_000, 60_000).describe(
    "how long an open that must be recorded waits for its commit before it is refused with ledger_unavailable",
  ),
  retentionDays: z
    .int()
    .min(32)
    .max(36_500)
    .default(400)
    .describe(
      "how long rows are kept: by default a year and its comparison; at least a month, which monthly caps look back",
    ),
});
