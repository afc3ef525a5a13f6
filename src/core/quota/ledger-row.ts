import type { Ledger, LedgerClosing, LedgerOpening } from "../ledger/ledger.ts";

/** The ledger row of one attempt: opened once the attempt may begin, and closed only then. */
export class LedgerRow {
  /** Rejects with why the attempt may not begin; undefined: it may. */
  readonly opening: Promise<void> | undefined;
  /** Resolves once the upstream may be called; undefined: at once. */
  readonly ready: Promise<void> | undefined;
  readonly #ledger: Ledger | undefined;
  #state: "awaited" | "open" | "refused" | "over" = "open";

  /** Throws `ledger_unavailable`. `after`: what decides whether the attempt may begin; undefined: it may. */
  constructor(ledger: Ledger | undefined, row: LedgerOpening, isNeeded: boolean, after: Promise<void> | undefined) {
    this.#ledger = ledger;
    if (!after) {
      this.ready = ledger?.open(row, isNeeded);
      return;
    }
    this.#state = "awaited";
    let committed: Promise<void> | undefined;
    this.opening = after
      .then(() => {
        if (this.#state === "over") return;
        committed = ledger?.open(row, isNeeded);
        this.#state = "open";
      })
      .catch((error) => {
        this.#state = "refused";
        throw error;
      });
    this.ready = this.opening.then(() => committed);
  }

  /** The attempt was refused: it has not run, and leaves no row. */
  get isRefused(): boolean {
    return this.#state === "refused";
  }

  /** Never throws. An attempt that ends before it may begin leaves no row. */
  close(closing: () => LedgerClosing): void {
    if (this.#state === "open") this.#ledger?.close(closing());
    else if (this.#state === "awaited") this.#state = "over";
  }
}
