import * as z from "zod";
import { MAX_PRICE } from "../core/usage/price.ts";

const perMillion = z.number().nonnegative().max(MAX_PRICE);

/** What a model's tokens cost. */
export const priceSchema = z.strictObject({
  input: perMillion.describe("per million input tokens"),
  output: perMillion.describe("per million output tokens"),
  cacheRead: perMillion.optional().describe("per million tokens read from the provider's cache"),
  cacheWrite: perMillion.optional().describe("per million tokens written to the provider's cache"),
  source: z.string().min(1).max(256).optional().describe("where the price is from, for people"),
  asOf: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/)
    .optional()
    .describe("the day it was looked up, such as 2026-11-28"),
});
