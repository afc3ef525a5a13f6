import { expect, test } from "@jest/globals";
import { createMemoryLedger, NO_LEDGER } from "../../../src/storage/ledger/memory-ledger.ts";
import { closing, opening } from "../../support/stores/ledger-rows.ts";
import { ledgerContract } from "./ledger-contract.ts";

ledgerContract("the ledger in memory", async () => createMemoryLedger(), 200);

test("the ledger in memory forgets its oldest closed streams, and no running one", async () => {
  const ledger = createMemoryLedger(10);
  for (let index = 0; index < 50; index++) {
    await ledger.open(opening(`s${index}`), false);
    if (index > 0) ledger.close(closing(`s${index}`));
  }
  expect((await ledger.usage({ by: "route" })).lines).toMatchObject([{ streams: 11, open: 1 }]);
  await ledger.stop();
});

test("with the ledger off, every row is accepted and none is reported", async () => {
  expect(NO_LEDGER.open(opening("a"), true)).toBeUndefined();
  NO_LEDGER.close(closing("a"));
  expect(await NO_LEDGER.usage({ by: "day" })).toEqual({ by: "day", lines: [], more: false });
  expect(await NO_LEDGER.spentSince(0)).toEqual([]);
});
