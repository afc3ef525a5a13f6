import { describe, expect, test } from "@jest/globals";
import type { LedgerNews } from "../../../src/core/ledger/ledger.ts";
import type { StoredLedger } from "../../../src/storage/ledger/stored-ledger.ts";
import { closing, opening } from "../../support/stores/ledger-rows.ts";

interface Opened {
  readonly ledger: StoredLedger;
  readonly news: readonly LedgerNews[];
}

/** What every ledger guarantees that outlives its gateway. `newStore` returns how an empty one is opened, again and again. */
export function durableContract(name: string, newStore: () => () => Promise<Opened>): void {
  describe(`${name}, over a restart`, () => {
    test("stopping commits every row; the next start reads them", async () => {
      const open = newStore();
      const first = await open();
      for (let index = 0; index < 1_000; index++) {
        await first.ledger.open(opening(`s${index}`), false);
        first.ledger.close(closing(`s${index}`));
      }
      await first.ledger.stop();
      const second = await open();
      expect((await second.ledger.usage({ by: "route" })).lines).toMatchObject([
        { completed: 1_000, exact: { inputTokens: 100_000 } },
      ]);
      await second.ledger.stop();
      expect(second.news).toEqual([]);
    });
  });
}
