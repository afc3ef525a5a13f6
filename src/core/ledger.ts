import type { Code } from "../../protocol/codes.ts";
import type { Timing, Usage } from "../../protocol/stream.ts";

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
  /** Wall clock, in milliseconds. */
  readonly openedAt: number;
}

/** What is known when it is over, or when its usage came in after its end. */
export interface LedgerClosing {
  readonly stream: string;
  readonly outcome: "completed" | "failed" | "cancelled" | "lost";
  readonly code: Code | undefined;
  readonly usage: Usage;
  /** In the currency of the model's price; undefined without a price or without usage. */
  readonly cost: number | undefined;
  readonly timing: Timing;
  /** Wall clock, in milliseconds. */
  readonly closedAt: number;
}

/** What one key has spent since a moment, for caps that survive a restart. */
export interface Spent {
  readonly keyId: string;
  readonly tokens: number;
  readonly cost: number;
}

/** The durable record of usage: one row for every stream, from open to its one closing. */
export interface Ledger {
  /** Resolves when the row is committed. Rejects with `ledger_unavailable`. Rows are written in the order of the calls. */
  open(row: LedgerOpening): Promise<void>;
  /** Resolves when committed; while the store cannot be written it waits in a bounded spool. Never rejects. */
  close(row: LedgerClosing): void;
  /** Whether rows are being written now; false after a failure until a write succeeds again. */
  readonly available: boolean;
  /** What keys have spent in streams opened since then. */
  spentSince(wallMs: number): Promise<readonly Spent[]>;
}
