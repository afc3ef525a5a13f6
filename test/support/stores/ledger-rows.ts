import type { LedgerClosing, LedgerOpening } from "../../../src/core/ledger/ledger.ts";

/** A noon in November. */
export const NOON = Date.UTC(2026, 10, 22, 12);

export const opening = (stream: string, more: Partial<LedgerOpening> = {}): LedgerOpening => ({
  stream,
  caller: "ann",
  keyId: "k_ann",
  face: "stream",
  session: undefined,
  route: "chat",
  model: "gpt",
  upstreamModel: "gpt-test",
  openedAt: NOON,
  counted: { tokens: 90, costNano: 90_000 },
  ...more,
});

export const closing = (stream: string, more: Partial<LedgerClosing> = {}): LedgerClosing => ({
  stream,
  outcome: "completed",
  code: undefined,
  usage: { source: "exact", inputTokens: 100, outputTokens: 20 },
  costNano: 600_000,
  counted: undefined,
  timing: { firstByteMs: 10.5, firstContentMs: 20, firstSentMs: 20.25, totalMs: 100.125 },
  events: 12,
  bytes: 3_456,
  anomalies: [],
  closedAt: NOON + 100,
  ...more,
});
