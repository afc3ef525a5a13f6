/** The methods of the usage pages. A caller sees its own streams; an admin sees all. */

import { NoParams } from "../../../../../protocol/openclaw/status-params.ts";
import {
  SessionsUsageLogsParams,
  SessionsUsageParams,
  SessionsUsageSeriesParams,
  UsageCostParams,
} from "../../../../../protocol/openclaw/usage-params.ts";
import { SCOPES } from "../../../../../protocol/openclaw/wire.ts";
import { mayDo } from "../../../../core/caller/caller.ts";
import type { TranscriptMessage } from "../../../../core/ports/transcripts.ts";
import { fromNano, toNano } from "../../../../core/usage/cost.ts";
import { AGENT_ID, canonicalKey } from "../../sessions/session-key.ts";
import { plainText, wireUsage } from "../../sessions/transcript-view.ts";
import type { Call } from "../call.ts";
import { method } from "../method.ts";
import type { Services } from "../services.ts";
import { type RangeWords, readRange } from "./usage-range.ts";
import { aggregatesOf, dailyTotals, sessionsUsed } from "./usage-report.ts";
import { totalsOf } from "./usage-sums.ts";

const LOG_LIMIT = 1_000;
const LOG_CHARACTERS = 500;

interface UsageWords extends RangeWords {
  readonly agentId?: string | undefined;
  readonly creatorKey?: string | undefined;
}

async function read(services: Services, call: Call, words: UsageWords, session?: string) {
  const range = readRange(words, services.clock.wall());
  const caller = mayDo(call.client.caller, "admin") ? undefined : call.client.caller.name;
  const { since, until, utcOffsetMinutes } = range;
  const { agentId = AGENT_ID, creatorKey } = words;
  const isNobodys = creatorKey !== undefined || agentId.toLowerCase() !== AGENT_ID;
  // Before its own beginning, a range is empty.
  const used = await services.usage.cells({
    since,
    until: isNobodys ? since : until,
    utcOffsetMinutes,
    caller,
    session,
  });
  return { range, used };
}

/** What one answer used, with its cost at today's price. */
function figuresOf(services: Services, { usage, route, model }: TranscriptMessage) {
  const price = route === undefined ? undefined : services.catalog.priceOf(route, model ?? null);
  return wireUsage(usage, price);
}

/** Methods that report usage. */
export const usageMethods = [
  // The quotas of subscriptions, which API keys do not have.
  method("usage.status", SCOPES.read, NoParams, (services) => ({ updatedAt: services.clock.wall(), providers: [] })),

  method("usage.cost", SCOPES.read, UsageCostParams, async (services, params, call) => {
    const { range, used } = await read(services, call, params);
    return {
      updatedAt: services.clock.wall(),
      days: range.days,
      daily: dailyTotals(services, used.cells),
      totals: totalsOf(used.cells, services.catalog),
    };
  }),

  method("sessions.usage", SCOPES.read, SessionsUsageParams, async (services, params, call) => {
    const session = params.key === undefined ? undefined : canonicalKey(params.key, params.agentId);
    const { range, used } = await read(services, call, params, session);
    return {
      updatedAt: services.clock.wall(),
      startDate: range.startDate,
      endDate: range.endDate,
      sessions: sessionsUsed(services, used).slice(0, params.limit),
      totals: totalsOf(used.cells, services.catalog),
      aggregates: aggregatesOf(services, used),
    };
  }),

  method("sessions.usage.timeseries", SCOPES.read, SessionsUsageSeriesParams, async (services, params) => {
    const session = await services.sessions.open(canonicalKey(params.key, params.agentId));
    let cumulativeTokens = 0;
    let cumulativeNano = 0;
    // What was spent on a branch that was left is spent all the same.
    const points = (session?.branches.all ?? []).flatMap((message) => {
      const figures = figuresOf(services, message);
      if (!figures) return [];
      const { input, output, cacheRead, cacheWrite, totalTokens } = figures;
      const cost = figures.cost?.total ?? 0;
      cumulativeTokens += totalTokens;
      cumulativeNano += toNano(cost);
      const cumulativeCost = fromNano(cumulativeNano);
      const counts = { input, output, cacheRead, cacheWrite, totalTokens };
      return [{ timestamp: message.timestamp, ...counts, cost, cumulativeTokens, cumulativeCost }];
    });
    return { ...(session && { sessionId: session.record.sessionId }), points };
  }),

  method(
    "sessions.usage.logs",
    SCOPES.read,
    SessionsUsageLogsParams,
    async (services, { key, agentId, limit = LOG_LIMIT }) => {
      const session = await services.sessions.open(canonicalKey(key, agentId));
      const logs = (session?.messages ?? []).slice(-limit).map((message) => {
        const figures = figuresOf(services, message);
        return {
          timestamp: message.timestamp,
          role: message.role,
          content: plainText(message).slice(0, LOG_CHARACTERS),
          ...(figures && { tokens: figures.totalTokens }),
          ...(figures?.cost && { cost: figures.cost.total }),
        };
      });
      return { logs };
    },
  ),
];
