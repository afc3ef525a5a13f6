import * as z from "zod";

const count = z.int().min(1).optional();
const amount = z.number().min(0.000_001).max(999_999_999).optional();

/** Caps on everything together. Keys and teams have theirs from `sluice keys` and `sluice teams`. */
export const capsSchema = z.strictObject({
  tokensPerDay: count.describe("tokens a UTC day, input and output together; unlimited if left out, as are the others"),
  tokensPerMonth: count.describe("the same, a UTC month"),
  costPerDay: amount.describe("cost a UTC day, in the currency of the models' prices"),
  costPerMonth: amount.describe("the same, a UTC month"),
  requestsPerMinute: count.describe("streams and requests opened a minute"),
  tokensPerMinute: count.describe("tokens a minute"),
  concurrentStreams: count.describe("streams that run at once"),
});
