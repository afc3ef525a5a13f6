import type { Code } from "../../../protocol/codes.ts";
import type { Timing, Usage } from "../../../protocol/stream.ts";
import type { CellsQuery, UsageCells } from "./usage-cells.ts";
import type { UsageGroup, UsageQuery } from "./usage-query.ts";

/** What is known of a stream when it is opened. */
export interface LedgerOpening {
  readonly stream: string;
  readonly caller: string;
  readonly keyId: string | undefined;
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
  /** Its prompt, estimated: what stands for its usage should this process die before its end. */
  readonly counted: Counted;
}

/** What caps count for a stream whose usage nobody knows. */
export interface Counted {
  readonly tokens: number;
  /** In billionths of the currency of the model's price; undefined without a price. */
  readonly costNano: number | undefined;
}

/** What is known when it is over, or when its usage came in after its end. */
export interface LedgerClosing {
  readonly stream: string;
  readonly outcome: "completed" | "failed" | "cancelled";
  readonly code: Code | undefined;
  readonly usage: Usage;
  /** In billionths of the currency of the model's price (`costOf`); undefined without a price or without usage. */
  readonly costNano: number | undefined;
  /** What the caps of its key have counted, where the usage is unknown; undefined where it says it all. */
  readonly counted: Counted | undefined;
  readonly timing: Timing;
  readonly events: number;
  /** Event data relayed, as UTF-8. */
  readonly bytes: number;
  /** Wall clock, in milliseconds. */
  readonly closedAt: number;
}

/** What one key has spent since a moment in streams that are over, for caps that survive a restart. */
export interface Spent {
  readonly keyId: string;
  /** Input and output. */
  readonly tokens: number;
  readonly costNano: number;
}

/** Tokens and cost of some streams, added up; null where none of them has the figure. */
export interface UsageSums {
  readonly streams: number;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly costNano: number | null;
}

/** The streams of one group, by outcome and by how well their usage is known. */
export interface UsageLine {
  /** The group's name; null for streams without one, such as those of no session. */
  readonly group: string | null;
  readonly streams: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Their process died before their end. */
  readonly lost: number;
  /** Not over yet. */
  readonly open: number;
  /** The provider's own figures. */
  readonly exact: UsageSums;
  /** Counted from the characters seen, because the stream broke before the provider's figures came. */
  readonly estimated: UsageSums;
  /** Streams that ended with no way to tell. */
  readonly unknown: number;
}

export interface UsageReport {
  readonly by: UsageGroup;
  /** Days from the oldest on; other groups by cost, then tokens, the highest first. */
  readonly lines: readonly UsageLine[];
  /** There are more groups than a report holds. */
  readonly more: boolean;
}

/**
 * The durable record of usage: one row for every stream, from open to its one closing. A stream whose process died is
 * closed as `lost` by the next start, with its prompt as the estimate of its usage. A later closing of the same stream changes nothing, with two exceptions: exact
 * usage replaces an estimate, and a closing of its own replaces `lost`.
 */
export interface Ledger {
  /**
   * Takes the row of a stream that begins; whoever opened it closes it, on every way out. Returns what the upstream's
   * call must wait for: usually nothing, in strict mode the commit; it rejects with `ledger_unavailable` when that takes
   * too long. `needed`: its caller has caps, so it must not run unrecorded. Throws `ledger_unavailable` when nothing is
   * being written and the row is needed, or when there is no room for one more.
   */
  open(row: LedgerOpening, needed: boolean): Promise<void> | undefined;
  /** Never throws, never waits. While the store cannot be written the row waits in memory. */
  close(row: LedgerClosing): void;
  /** Whether rows are being written now; false after a failure until a write succeeds again. */
  readonly available: boolean;
  /** What keys have spent in streams opened since then, as committed. Rejects with `ledger_unavailable`. */
  spentSince(wallMs: number): Promise<readonly Spent[]>;
  /** Sums of committed rows. Rejects with `ledger_unavailable`. */
  usage(query: UsageQuery): Promise<UsageReport>;
  /** The same rows, cut finer. Rejects with `ledger_unavailable`. */
  cells(query: CellsQuery): Promise<UsageCells>;
}

/** What the operator should hear of. `rows`: how many wait in memory, or are given up. */
export type LedgerNews =
  | { readonly kind: "unavailable"; readonly reason: string; readonly rows: number }
  | { readonly kind: "available"; readonly rows: number }
  | { readonly kind: "lost"; readonly streams: number }
  | { readonly kind: "dropped"; readonly rows: number };
