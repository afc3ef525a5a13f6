import type { LedgerClosing, LedgerOpening } from "../../core/ledger/ledger.ts";
import type { LastRow, LeftRow } from "./stored-ledger.ts";

/** One row on its way to the database's thread: values by parameter name. */
export interface LedgerWrite {
  readonly kind: "open" | "close";
  readonly values: Readonly<Record<string, string | number | null>>;
}

/** Longest text of a column, in characters: clients choose some of these texts. */
const MAX_TEXT = 256;
/** Above any real count, and small enough that sums of it stay exact. */
const MAX_COUNT = 1e12;

/** Text as a column stores it: bounded, and with lone surrogates, which UTF-8 cannot encode, as U+FFFD. */
export const columnText = (text: string): string => text.slice(0, MAX_TEXT).toWellFormed();

const optional = (text: string | undefined): string | null => (text === undefined ? null : columnText(text));
const count = (value: number | undefined): number | null =>
  value === undefined ? null : Math.min(Math.round(value), MAX_COUNT);
const nano = (cost: number | undefined): number | null =>
  cost === undefined ? null : Math.min(Math.round(cost), Number.MAX_SAFE_INTEGER);
const duration = (ms: number | undefined): number | null => ms ?? null;

/** The row of a stream that opens. */
export const openingWrite = (row: LedgerOpening): LedgerWrite => ({
  kind: "open",
  values: {
    stream: columnText(row.stream),
    attempt: row.attempt ?? 1,
    caller: columnText(row.caller),
    key_id: optional(row.keyId),
    team: optional(row.team),
    face: columnText(row.face),
    session: optional(row.session),
    route: columnText(row.route),
    model: optional(row.model),
    upstream_model: optional(row.upstreamModel),
    opened_at: Math.round(row.openedAt),
    counted_tokens: count(row.counted.tokens),
    counted_nano: nano(row.counted.costNano),
  },
});

/** The row that closes a stream, or corrects its usage afterwards. */
export function closingWrite(row: LedgerClosing | LastRow): LedgerWrite {
  const { usage, timing } = row;
  const isKnown = usage.source !== "unknown";
  const tokens = (value: number | undefined) => (isKnown ? count(value) : null);
  return {
    kind: "close",
    values: {
      stream: columnText(row.stream),
      closed_at: Math.round(row.closedAt),
      outcome: row.outcome,
      is_left: row.isLeft ? 1 : 0,
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
      total_ms: duration(timing.totalMs),
      events: count(row.events),
      bytes: count(row.bytes),
      anomalies: row.anomalies.length > 0 ? columnText(row.anomalies.join(",")) : null,
    },
  };
}

/** A row that was left open, from its columns, whose texts have been read. */
export const leftRow = (row: Readonly<Record<string, unknown>>): LeftRow => ({
  stream: String(row.stream),
  attempt: Number(row.attempt),
  openedAt: Number(row.opened_at),
  counted:
    row.counted_tokens === null
      ? undefined
      : {
          tokens: Number(row.counted_tokens),
          costNano: row.counted_nano === null ? undefined : Number(row.counted_nano),
        },
});
