/** Parameters of the methods about usage. */
import * as z from "zod";
import { closed, text } from "./closed.ts";

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const utcOffset = z.string().regex(/^UTC[+-]\d{1,2}(:?\d{2})?$/i);

const range = {
  startDate: date.optional(),
  endDate: date.optional(),
  range: z.enum(["7d", "30d", "90d", "1y", "all"]).optional(),
  utcOffset: utcOffset.optional(),
  // There is one agent, and no session has a creator of its own: another one used nothing.
  agentId: text.optional(),
  creatorKey: text.optional(),
};

export const UsageCostParams = closed(
  { ...range, days: z.int().min(1).max(3_653).optional() },
  "agentScope mode timeZone includeHistorical",
);

export const SessionsUsageParams = closed(
  { ...range, key: text.optional(), limit: z.int().min(1).optional() },
  "agentScope mode groupBy includeHistorical timeZone includeContextWeight",
);

export const SessionsUsageSeriesParams = closed({ key: text, agentId: text.optional() });
export const SessionsUsageLogsParams = closed({
  key: text,
  agentId: text.optional(),
  limit: z.int().min(1).max(1_000).optional(),
});
