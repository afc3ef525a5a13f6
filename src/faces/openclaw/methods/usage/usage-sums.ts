import type { StreamLatency, UsageCell } from "../../../../core/ledger/usage-cells.ts";
import { fromNano, Tariff } from "../../../../core/usage/cost.ts";
import type { ModelCatalog } from "../../sessions/model-catalog.ts";

/** Splits a cost by tokens alone where the model has no price. */
const EVEN = new Tariff({ input: 1, output: 1 });

/**
 * Tokens and cost of cells. The whole cost is the ledger's, at the prices of its day; its split into input and output is
 * by today's prices.
 */
export function totalsOf(cells: readonly UsageCell[], catalog: ModelCatalog) {
  const tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  const nano = { total: 0, input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  let missingCostEntries = 0;
  for (const cell of cells) {
    const price = catalog.priceOf(cell.route, cell.model);
    const costs = (price ? new Tariff(price) : EVEN).costByKind(cell);
    const whole = costs.input + costs.output + costs.cacheRead + costs.cacheWrite;
    for (const kind of ["input", "output", "cacheRead", "cacheWrite"] as const) {
      tokens[kind] += cell[kind];
      if (whole > 0) nano[kind] += (cell.costNano * costs[kind]) / whole;
    }
    nano.total += cell.costNano;
    missingCostEntries += cell.unpriced;
  }
  return {
    ...tokens,
    totalTokens: tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite,
    totalCost: fromNano(nano.total),
    inputCost: fromNano(nano.input),
    outputCost: fromNano(nano.output),
    cacheReadCost: fromNano(nano.cacheRead),
    cacheWriteCost: fromNano(nano.cacheWrite),
    missingCostEntries,
  };
}

/** Every stream is one question; the failed ones have no answer. */
export function messagesOf(cells: readonly UsageCell[]) {
  const streams = cells.reduce((sum, cell) => sum + cell.streams, 0);
  const errors = cells.reduce((sum, cell) => sum + cell.failed, 0);
  const assistant = streams - errors;
  return { total: streams + assistant, user: streams, assistant, toolCalls: 0, toolResults: 0, errors };
}

/** Undefined without a completed stream. */
export function latencyOf(latencies: readonly StreamLatency[]) {
  const sorted = latencies.map(({ totalMs }) => totalMs).sort((a, b) => a - b);
  const [minMs] = sorted;
  const maxMs = sorted.at(-1);
  if (minMs === undefined || maxMs === undefined) return undefined;
  const p95Ms = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? maxMs;
  return { count: sorted.length, avgMs: sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length, p95Ms, minMs, maxMs };
}

/** In the order in which the groups first come. */
export function groupBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
