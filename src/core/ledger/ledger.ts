import type { Code } from "../../../protocol/codes.ts";
import type { Timing, Usage } from "../../../protocol/stream.ts";
import type { CellsQuery, UsageCells } from "./usage-cells.ts";
import type { UsageGroup, UsageQuery } from "./usage-query.ts";

/** What is known of a stream when it is opened. */
export interface LedgerOpening {
  /** The stream's name, or `name.2` for its second attempt, on another target. */
  readonly stream: string;
  /** From 1, the default. */
  readonly attempt?: number;
  readonly caller: string;
  readonly keyId: string | undefined;
  /** The team that the key spends for. */
  readonly team?: string | undefined;
  readonly face: string;
  /** The OpenClaw session, where there is one. */
  readonly session: string | undefined;
  readonly route: string;
  /** The alias the client used. */
  readonly model: string | undefined;
  /** What the upstream calls it, from the model or the request's body. */
  readonly upstreamModel: string | undefined;
  /** Wall clock, in milliseconds. */
  readonly openedAt: number;
  /** The estimated prompt: counts as its usage if the process dies before the stream ends, and nothing more is known of it. */
  readonly counted: Counted;
}

/** What caps count for a stream whose usage is unknown. */
export interface Counted {
  readonly tokens: number;
  /** In billionths of the currency of the model's price; undefined without a price. */
  readonly costNano: number | undefined;
}

/** What is known at a stream's end, or later if its usage arrived after that. */
export interface LedgerClosing {
  readonly stream: string;
  /** The attempt was left for another target: it is no stream that failed. */
  readonly isLeft?: boolean;
  readonly outcome: "completed" | "failed" | "cancelled";
  readonly code: Code | undefined;
  readonly usage: Usage;
  /** In billionths of the currency of the model's price (`costOf`); undefined without a price or without usage. */
  readonly costNano: number | undefined;
  /** What its key's caps have counted, if the usage is unknown. */
  readonly counted: Counted | undefined;
  readonly timing: Timing;
  readonly events: number;
  /** Event data relayed, as UTF-8. */
  readonly bytes: number;
  /** Kinds of irregularities that did not fail the stream, such as `resent`: the request was sent twice. */
  readonly anomalies: readonly string[];
  /** Wall clock, in milliseconds. */
  readonly closedAt: number;
}

/** What ended streams of a key, for a team, have used since some moment. Restores caps after a restart. */
export interface Spent {
  /** Undefined for callers without a key. */
  readonly keyId: string | undefined;
  readonly team?: string | undefined;
  /** Input and output together. */
  readonly tokens: number;
  readonly costNano: number;
}

/** Sums over some streams, all their attempts included; null where none of them reports the figure. */
export interface UsageSums {
  readonly streams: number;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly costNano: number | null;
}

/** The streams of one group, by outcome and by how exactly their usage is known. */
export interface UsageLine {
  /** The group's name; null for streams outside any, such as those without a session. */
  readonly group: string | null;
  readonly streams: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Streams whose process died before they ended. */
  readonly lost: number;
  /** Streams still running. */
  readonly open: number;
  /** Usage reported by the provider. */
  readonly exact: UsageSums;
  /** Usage estimated from the text seen, because the provider's figures are missing. */
  readonly estimated: UsageSums;
  /** Streams whose usage cannot even be estimated. */
  readonly unknown: number;
}

/** The answer to a `UsageQuery`. */
export interface UsageReport {
  readonly by: UsageGroup;
  /** Days in order, oldest first; other groups by cost, then tokens, highest first. */
  readonly lines: readonly UsageLine[];
  /** Whether groups were left out because there are too many. */
  readonly more: boolean;
}

/**
 * The durable record of usage: one row per attempt of a stream, opened and closed. If the process dies, the next start, or
 * another node of its cluster, closes its streams as `lost`, with what is known of their usage, at least the estimated prompt. Closing a row again changes nothing, except that exact usage replaces
 * an estimate and any outcome replaces `lost`.
 */
export interface Ledger {
  /**
   * Opens a stream's row, which the opener must close. Returns what the upstream call must wait for: usually nothing; in
   * strict mode the commit, a promise that rejects with `ledger_unavailable` if it takes too long. `needed`: the caller has
   * caps, so the stream must not run unrecorded. Throws `ledger_unavailable` if the row is needed and rows cannot be written,
   * or if too many are waiting.
   */
  open(row: LedgerOpening, needed: boolean): Promise<void> | undefined;
  /** Closes a stream's row. Never throws or waits; the row stays in memory until it can be written. */
  close(row: LedgerClosing): void;
  /** Whether rows can be written; false from a failure until the next write that succeeds. */
  readonly available: boolean;
  /**
   * What each key has used in committed streams opened since `wallMs`, but for the streams in `except`, with all their
   * attempts. Rejects with `ledger_unavailable`.
   */
  spentSince(wallMs: number, except?: readonly string[]): Promise<readonly Spent[]>;
  /** Sums over committed rows. Rejects with `ledger_unavailable`. */
  usage(query: UsageQuery): Promise<UsageReport>;
  /** The same sums in finer cells, and latencies. Rejects with `ledger_unavailable`. */
  cells(query: CellsQuery): Promise<UsageCells>;
}

/** What operators should know. `rows`: how many wait in memory, or were dropped. */
export type LedgerNews =
  | { readonly kind: "unavailable"; readonly reason: string; readonly rows: number }
  | { readonly kind: "available"; readonly rows: number }
  | { readonly kind: "lost"; readonly streams: number }
  | { readonly kind: "dropped"; readonly rows: number };
