import type { Caller, Caps, Grant } from "../../../src/core/caller/caller.ts";
import type { Ledger, LedgerClosing, LedgerOpening, Spent } from "../../../src/core/ledger/ledger.ts";
import { KeyReservations } from "../../../src/core/quota/key-reservations.ts";
import { realClock } from "../clients/loopback-call.ts";
import { openRelay, type RelaySettings, type TestRelay } from "./relayed-stream.ts";

/** A ledger as two lists, whose state a test sets. */
export class ListLedger implements Ledger {
  readonly opened: LedgerOpening[] = [];
  readonly closed: LedgerClosing[] = [];
  available = true;
  /** What opens wait for, as in strict mode. */
  commit: Promise<void> | undefined;
  /** What was spent before this process, or the error of reading it. */
  before: readonly Spent[] | Error = [];

  open(row: LedgerOpening): Promise<void> | undefined {
    this.opened.push(row);
    return this.commit;
  }

  close(row: LedgerClosing): void {
    this.closed.push(row);
  }

  async spentSince(): Promise<readonly Spent[]> {
    if (this.before instanceof Error) throw this.before;
    return this.before;
  }

  usage(): never {
    throw new Error("not asked for here");
  }

  cells(): never {
    throw new Error("not asked for here");
  }
}

export function callerOf(caps: Caps, more: Partial<Grant> = {}): Caller {
  const grant = {
    keyId: "key_ci",
    scopes: new Set(["streams"] as const),
    models: undefined,
    routes: undefined,
    caps,
    away: undefined,
    onAbort: "cancel" as const,
    upstreamKeys: "managed" as const,
    ...more,
  };
  return { name: "ci", grant };
}

export interface LeasedRelay extends TestRelay {
  readonly ledger: ListLedger;
  readonly reservations: KeyReservations;
}

/** The real relay with the real reservations of one key over that ledger. */
export async function openLeasedRelay(
  baseUrl: string,
  settings: RelaySettings = {},
  ledger = new ListLedger(),
): Promise<LeasedRelay> {
  const reservations = new KeyReservations({ clock: realClock, ledger });
  await reservations.restore();
  return Object.assign(openRelay(baseUrl, { reservations, ...settings }), { ledger, reservations });
}
