import type { OnAbort } from "../caller/caller.ts";
import type { Clock } from "../kernel/clock.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { costOf } from "../usage/cost.ts";
import type { Price } from "../usage/price.ts";
import type { Stake } from "./caps-stake.ts";
import type { Lease, Settlement } from "./lease.ts";

export interface KeyLeaseParts {
  readonly stream: string;
  /** Undefined for a caller without a key. */
  readonly stake: Stake | undefined;
  readonly ready: Promise<void> | undefined;
  readonly onAbort: OnAbort;
  readonly price: Price | undefined;
  readonly ledger: Ledger | undefined;
  readonly openedAt: number;
  readonly clock: Clock;
}

/** A stream's stake under its key's caps, and its row in the ledger. */
export class KeyLease implements Lease {
  readonly maxOutputTokens: number | undefined;
  readonly ready: Promise<void> | undefined;
  readonly meter: Lease["meter"];
  readonly onAbort: OnAbort;
  readonly #parts: KeyLeaseParts;

  constructor(parts: KeyLeaseParts) {
    const { stake, clock } = parts;
    this.#parts = parts;
    this.maxOutputTokens = stake?.maxOutputTokens;
    this.ready = parts.ready;
    this.onAbort = parts.onAbort;
    this.meter = stake?.isMetered ? (counts, characters) => stake.meter(counts, characters, clock.wall()) : undefined;
  }

  set onCut(cut: (error: GatewayError) => void) {
    if (this.#parts.stake) this.#parts.stake.onCut = cut;
  }

  settle({ terminal, events, bytes }: Settlement): void {
    const { stream, stake, price, ledger, openedAt, clock } = this.#parts;
    const { usage, timing, status, error } = terminal;
    const isKnown = usage.source !== "unknown";
    const costNano = isKnown && price ? costOf(usage, price) : undefined;
    const tokens = isKnown ? (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0) : undefined;
    stake?.settle(tokens, costNano, clock.wall());
    ledger?.close({
      stream,
      outcome: status,
      code: error?.code,
      usage,
      costNano,
      counted: isKnown ? undefined : stake?.counted,
      timing,
      events,
      bytes,
      // By the monotonic clock: no row is closed before it was opened.
      closedAt: openedAt + Math.round(timing.totalMs),
    });
  }

  release(): void {
    this.#parts.stake?.release();
  }
}
