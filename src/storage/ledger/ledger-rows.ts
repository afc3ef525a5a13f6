import type { LedgerClosing, LedgerOpening } from "../../core/ledger/ledger.ts";

/** One row as it travels to the thread of the database: values by the names of their parameters. */
export interface LedgerWrite {
  readonly kind: "open" | "close";
  readonly values: Readonly<Record<string, string | number | null>>;
}

/** Longest text of a column; clients choose some of them. */
const MAX_TEXT = 256;
/** More than anybody can have used, and small enough that sums of it stay whole. */
const MAX_COUNT = 1e12;

/** Text as a column holds it. Half characters, which UTF-8 cannot write, become U+FFFD. */
export const columnText = (text: string): string => text.slice(0, MAX_TEXT).toWellFormed();

const optional = (text: string | undefined): string | null => (text === undefined ? null : columnText(text));
const whole = (value: number): number => Math.round(value);
const count = (value: number | undefined): number | null =>
  value === undefined ? null : Math.min(Math.round(value), MAX_COUNT);
const nano = (cost: number | undefined): number | null =>
  cost === undefined ? null : Math.min(Math.round(cost), Number.MAX_SAFE_INTEGER);
const duration = (ms: number | undefined): number | null => ms ?? null;

export const openingWrite = (row: LedgerOpening): LedgerWrite => ({
  kind: "open",
  values: {
    stream: columnText(row.stream),
    caller: columnText(row.caller),
    key_id: optional(row.keyId),
    face: columnText(row.face),
    session: optional(row.session),
    route: columnText(row.route),
    model: optional(row.model),
    upstream_model: optional(row.upstreamModel),
    opened_at: whole(row.openedAt),
    counted_tokens: count(row.counted.tokens),
    counted_nano: nano(row.counted.costNano),
  },
});

export function closingWrite(row: LedgerClosing): LedgerWrite {
  const { usage, timing } = row;
  const isKnown = usage.source !== "unknown";
  const tokens = (value: number | undefined) => (isKnown ? count(value) : null);
  return {
    kind: "close",
    values: {
      stream: columnText(row.stream),
      closed_at: whole(row.closedAt),
      outcome: row.outcome,
      code: row.code ?? null,
      source: usage.source,
      input_tokens: tokens(usage.inputTokens),
      output_tokens: tokens(usage.outputTokens),
      cache_read_tokens: tokens(usage.cacheReadTokens),
      cache_write_tokens: tokens(usage.cacheWriteTokens),
      reasoning_tokens: tokens(usage.reasoningTokens),
      cost_nano: isKnown ? nano(row.costNano) : null,
      counted_tokens: count(row.counted?.tokens),
      counted_nano: nano(row.counted?.costNano),
      first_byte_ms: duration(timing.firstByteMs),
      first_content_ms: duration(timing.firstContentMs),
      first_sent_ms: duration(timing.firstSentMs),
      total_ms: timing.totalMs,
      events: count(row.events),
      bytes: count(row.bytes),
    },
  };
}
