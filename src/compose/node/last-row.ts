import type { Reported } from "../../cluster/caps/last-reported.ts";
import type { Spent } from "../../cluster/caps/money.ts";
import type { LastRecord } from "../../cluster/streams/stored-stream.ts";
import { modelOn, type Routing } from "../../core/dialect/routing.ts";
import type { Spending } from "../../core/stream/terminal.ts";
import { costOf } from "../../core/usage/cost.ts";
import type { Price } from "../../core/usage/price.ts";
import type { LastRow, LeftRow } from "../../storage/ledger/stored-ledger.ts";

/** What is known of a dead node's stream. */
export interface Known {
  /** What its node wrote with the stream. */
  readonly record: LastRecord | undefined;
  /** What its node reported to the counters of caps. */
  readonly reported: Reported | undefined;
  readonly price: Price | undefined;
}

/** What the model of a stream costs where it ran last, as things are now; undefined without a price. */
export function priceOf(routing: Routing, { facts, spending }: LastRecord): Price | undefined {
  const { model: name, route } = facts;
  if (name === undefined) return undefined;
  const model = routing.models.find(({ alias }) => alias === name) ?? routing.targetOn(route, name)?.model;
  return model && modelOn(model, spending?.target).price;
}

/** The same for the counters of caps, which have what was reported to them; undefined if nothing more is known. */
export function spentOf({ ending, spending }: LastRecord, price: Price | undefined): Spent | undefined {
  if (!spending || spending.usage.source === "unknown") return undefined;
  const { usage } = spending;
  const nano = price && costOf(usage, price);
  // What earlier attempts used is counted, too.
  return { tokens: tokensOf(usage), nano, isFinal: ending !== undefined && isFirst(spending) };
}

/** How the row of a stream's last attempt is closed; undefined if nothing is known beside its prompt. */
export function lastRow(row: LeftRow, known: Known, wallMs: number): LastRow | undefined {
  const { record } = known;
  const { ending } = record ?? {};
  const common = { stream: row.stream, events: record?.events ?? 0, bytes: undefined, anomalies: [] };
  if (!ending) {
    const estimate = estimateOf(row, known);
    return estimate && { ...lost(row, wallMs), ...common, ...estimate };
  }
  const { status, code, usage, timing } = ending;
  const { price, reported } = known;
  return {
    ...common,
    outcome: status,
    code,
    usage,
    costNano: price && costOf(usage, price),
    counted: usage.source === "unknown" ? countedOf(row, reported) : undefined,
    timing,
    closedAt: (record?.facts.at ?? row.openedAt) + Math.round(timing.totalMs),
  };
}

/** How the row of an attempt is closed that was left for another. */
export const leftRow = (row: LeftRow, wallMs: number): LastRow => ({ ...lost(row, wallMs), isLeft: true });

function lost({ stream, counted }: LeftRow, wallMs: number): LastRow {
  return {
    stream,
    outcome: "lost",
    code: undefined,
    usage: counted
      ? { source: "estimated", inputTokens: counted.tokens, outputTokens: undefined }
      : { source: "unknown" },
    costNano: counted?.costNano,
    counted: undefined,
    timing: {},
    events: 0,
    bytes: undefined,
    anomalies: [],
    closedAt: wallMs,
  };
}

/** The larger of what the node wrote with the stream and what it reported to the counters; that is final once it has settled there. */
function estimateOf(row: LeftRow, { record, reported, price }: Known): Pick<LastRow, "usage" | "costNano"> | undefined {
  const spending = record?.spending;
  const isKnown = spending !== undefined && spending.usage.source !== "unknown";
  const usage = isKnown ? spending.usage : lost(row, 0).usage;
  const costNano = isKnown ? price && costOf(usage, price) : row.counted?.costNano;
  const isAll = row.attempt === 1 && (!spending || isFirst(spending));
  if (!reported || !isAll || (reported.tokens <= tokensOf(usage) && !reported.isFinal)) {
    return isKnown ? { usage, costNano } : undefined;
  }
  const inputTokens = Math.min(usage.inputTokens ?? 0, reported.tokens);
  const least = reported.isFinal ? 0 : (costNano ?? 0);
  return {
    usage: { ...usage, source: "estimated", inputTokens, outputTokens: reported.tokens - inputTokens },
    costNano: costNano === undefined ? undefined : Math.max(least, reported.nano),
  };
}

function countedOf({ counted, attempt }: LeftRow, reported: Reported | undefined): LeftRow["counted"] {
  if (!counted || !reported || attempt > 1) return counted;
  const costNano = counted.costNano === undefined ? undefined : Math.max(counted.costNano, reported.nano);
  return { tokens: Math.max(counted.tokens, reported.tokens), costNano };
}

const isFirst = ({ target }: Spending): boolean => (target?.attempt ?? 1) === 1;

const tokensOf = ({ inputTokens = 0, outputTokens = 0 }: Spending["usage"]): number => inputTokens + outputTokens;
