/** The figures of the usage pages, added up from the ledger's cells. */
import type { StreamLatency, UsageCell, UsageCells } from "../../../../core/ledger/usage-cells.ts";
import { AGENT_ID } from "../../sessions/session-key.ts";
import type { Services } from "../services.ts";
import { groupBy, latencyOf, messagesOf, totalsOf } from "./usage-sums.ts";

type ReportServices = Pick<Services, "catalog" | "sessions">;

/** Streams of other faces belong to no session and are shown as one. */
const NO_SESSION = "(no session)";
const NO_SESSION_LABEL = "Streams and API calls";

const NO_TOOLS = { totalCalls: 0, uniqueTools: 0, tools: [] };

const byDay = <Item extends { readonly day: string }>(items: readonly Item[]) =>
  [...groupBy(items, ({ day }) => day)].sort(([a], [b]) => a.localeCompare(b));

const tokensAndCost = ({ catalog }: ReportServices, cells: readonly UsageCell[]) => {
  const totals = totalsOf(cells, catalog);
  return { tokens: totals.totalTokens, cost: totals.totalCost };
};

const modelName = (cell: UsageCell): string => cell.model ?? "(none)";

/** By model, or by provider alone; the most expensive first. */
function byModel(
  services: ReportServices,
  cells: readonly UsageCell[],
  keyOf: (cell: UsageCell) => string,
  named: boolean,
) {
  const groups = [...groupBy(cells, keyOf).values()].map((group) => ({
    provider: group[0]?.route ?? "",
    ...(named && group[0] && { model: modelName(group[0]) }),
    count: group.reduce((sum, { streams }) => sum + streams, 0),
    totals: totalsOf(group, services.catalog),
  }));
  return groups.sort((a, b) => b.totals.totalCost - a.totals.totalCost || b.totals.totalTokens - a.totals.totalTokens);
}

const models = (services: ReportServices, cells: readonly UsageCell[]) =>
  byModel(services, cells, (cell) => `${cell.route}/${modelName(cell)}`, true);

const dailyModels = (services: ReportServices, cells: readonly UsageCell[]) =>
  byDay(cells).flatMap(([date, ofDay]) =>
    [...groupBy(ofDay, (cell) => `${cell.route}/${modelName(cell)}`).values()].map((group) => ({
      date,
      provider: group[0]?.route ?? "",
      model: group[0] ? modelName(group[0]) : "",
      count: group.reduce((sum, { streams }) => sum + streams, 0),
      ...tokensAndCost(services, group),
    })),
  );

const dailyLatencies = (latencies: readonly StreamLatency[]) =>
  byDay(latencies).map(([date, ofDay]) => ({ date, ...latencyOf(ofDay) }));

/** The totals of each day, oldest first. */
export const dailyTotals = (services: ReportServices, cells: readonly UsageCell[]) =>
  byDay(cells).map(([date, ofDay]) => ({ date, ...totalsOf(ofDay, services.catalog) }));

function sessionUsage(services: ReportServices, cells: readonly UsageCell[], latencies: readonly StreamLatency[]) {
  const firstActivity = Math.min(...cells.map(({ firstAt }) => firstAt));
  const lastActivity = Math.max(...cells.map(({ lastAt }) => lastAt));
  const latency = latencyOf(latencies);
  return {
    ...totalsOf(cells, services.catalog),
    firstActivity,
    lastActivity,
    durationMs: lastActivity - firstActivity,
    activityDates: byDay(cells).map(([date]) => date),
    dailyBreakdown: dailyTotals(services, cells).map((day) => ({
      ...day,
      tokens: day.totalTokens,
      cost: day.totalCost,
    })),
    dailyMessageCounts: byDay(cells).map(([date, ofDay]) => ({ date, ...messagesOf(ofDay) })),
    dailyLatency: dailyLatencies(latencies),
    dailyModelUsage: dailyModels(services, cells),
    messageCounts: messagesOf(cells),
    toolUsage: NO_TOOLS,
    modelUsage: models(services, cells),
    ...(latency && { latency }),
  };
}

/** Sessions, the last used first. */
export function sessionsUsed(services: ReportServices, { cells, latencies }: UsageCells) {
  const timesOf = groupBy(latencies, ({ session }) => session ?? NO_SESSION);
  const sessions = [...groupBy(cells, ({ session }) => session ?? NO_SESSION)].map(([key, ofSession]) => {
    const session = services.sessions.get(key);
    const label = key === NO_SESSION ? NO_SESSION_LABEL : (session?.text("label") ?? session?.text("derivedTitle"));
    const usage = sessionUsage(services, ofSession, timesOf.get(key) ?? []);
    const newest = ofSession.reduce((last, cell) => (cell.lastAt > last.lastAt ? cell : last));
    return {
      key,
      ...(label !== undefined && { label }),
      sessionId: session?.record.sessionId ?? key,
      scope: "family",
      updatedAt: usage.lastActivity,
      agentId: AGENT_ID,
      chatType: "direct",
      modelProvider: newest.route,
      model: modelName(newest),
      usage,
      hasContextWeight: false,
    };
  });
  return sessions.sort((a, b) => b.updatedAt - a.updatedAt);
}

/** Totals by model, route and day, with latencies. */
export function aggregatesOf(services: ReportServices, { cells, latencies }: UsageCells) {
  const totals = totalsOf(cells, services.catalog);
  const latency = latencyOf(latencies);
  return {
    sessionCount: groupBy(cells, ({ session }) => session ?? NO_SESSION).size,
    messages: messagesOf(cells),
    tools: NO_TOOLS,
    byModel: models(services, cells),
    byProvider: byModel(services, cells, ({ route }) => route, false),
    byAgent: cells.length === 0 ? [] : [{ agentId: AGENT_ID, totals }],
    byChannel: [],
    byCreator: [],
    costDaily: dailyTotals(services, cells),
    ...(latency && { latency }),
    dailyLatency: dailyLatencies(latencies),
    modelDaily: dailyModels(services, cells),
    daily: byDay(cells).map(([date, ofDay]) => {
      const { total: messages, toolCalls, errors } = messagesOf(ofDay);
      return { date, ...tokensAndCost(services, ofDay), messages, toolCalls, errors };
    }),
  };
}
