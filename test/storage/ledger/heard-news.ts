import type { LedgerNews } from "../../../src/core/ledger/ledger.ts";

/** Keeps a ledger's news, which a test may wait for. */
export class HeardNews {
  readonly all: LedgerNews[] = [];
  #next = Promise.withResolvers<void>();

  /** For the ledger. */
  readonly take = (one: LedgerNews): void => {
    this.all.push(one);
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  };

  /** Resolves with the first news of this kind. */
  readonly first = async (kind: LedgerNews["kind"]): Promise<LedgerNews> => {
    for (;;) {
      const found = this.all.find((one) => one.kind === kind);
      if (found) return found;
      await this.#next.promise;
    }
  };
}
