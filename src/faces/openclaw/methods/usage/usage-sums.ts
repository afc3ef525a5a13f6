import type { StreamLatency, UsageCell } from "../../../../core/ledger/usage-cells.ts";
import type { ModelCatalog } from "../../sessions/model-catalog.ts";

const NANO = 1e9;

/**
 * Tokens and cost of cells. The whole cost is the ledger's, with the prices of its day; what part of it was input and
 * output is told by today's prices.
 */
export function totalsOf(cells: readonly UsageCell[], catalog: ModelCatalog) {
  const totals = {
    input: 0,
    output: 0,
    cacheRead: 0,
    cacheWrite: 0,
    totalTokens: 0,
    totalCost: 0,
    inputCost: 0,
    outputCost: 0,
    cacheReadCost: 0,
    cacheWriteCost: 0,
    missingCostEntries: 0,
  };
  for (const cell of cells) {
    const { input, output, cacheRead, cacheWrite } = cell;
    const cost = cell.costNano / NANO;
    totals.input += input;
    totals.output += output;
    totals.cacheRead += cacheRead;
    totals.cacheWrite += cacheWrite;
    totals.totalTokens += input + output + cacheRead + cacheWrite;
    totals.totalCost += cost;
    totals.missingCostEntries += cell.unpriced;
    const price = catalog.priceOf(cell.route, cell.model);
    const parts = {
      inputCost: input * (price?.input ?? 1),
      outputCost: output * (price?.output ?? 1),
      cacheReadCost: cacheRead * (price?.cacheRead ?? price?.input ?? 1),
      cacheWriteCost: cacheWrite * (price?.cacheWrite ?? price?.input ?? 1),
    };
    const whole = parts.inputCost + parts.outputCost + parts.cacheReadCost + parts.cacheWriteCost;
    if (whole === 0) continue;
    totals.inputCost += (cost * parts.inputCost) / whole;
    totals.outputCost += (cost * parts.outputCost) / whole;
    totals.cacheReadCost += (cost * parts.cacheReadCost) / whole;
    totals.cacheWriteCost += (cost * parts.cacheWriteCost) / whole;
  }
  return totals;
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
