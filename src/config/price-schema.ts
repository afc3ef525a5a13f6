import * as z from "zod";
import { MAX_PRICE } from "../core/usage/price.ts";

const perMillion = z.number().nonnegative().max(MAX_PRICE);

/** What a model's tokens cost. */
export const priceSchema = z.strictObject({
  input: perMillion.describe("per million input tokens"),
  output: perMillion.describe("per million output tokens"),
  cacheRead: perMillion.optional().describe("per million tokens read from the provider's cache"),
  cacheWrite: perMillion.optional().describe("per million tokens written to the provider's cache"),
});
