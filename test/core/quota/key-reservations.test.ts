import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { KeyReservations } from "../../../src/core/quota/key-reservations.ts";
import { callerOf, ListLedger } from "../../support/relay/reserving-relay.ts";
import { dialectOf } from "../../support/relay/routes.ts";

const route = { name: "chat", dialect: dialectOf("openai-chat"), key: undefined, headers: {} };

const clock = { now: () => 0, wall: () => Date.parse("2026-11-22T12:00:00Z") };

/** Reservations over this ledger, and a way to ask for one of a key with a daily budget. */
function leasesOver(ledger: ListLedger) {
  const reservations = new KeyReservations({ clock, ledger });
  const take = (keyId = "key_ci") =>
    reservations.reserve({
      stream: "s_1",
      caller: callerOf({ tokensPerDay: 1_000 }, { keyId }),
      target: { route, model: undefined },
      body: { max_tokens: 500 },
      cut() {},
      inputCharacters: 40,
      face: "test",
      session: undefined,
    });
  return { reservations, take };
}

describe("usage from before the start of the gateway", () => {
  test("counts for the key that used it", async () => {
    const ledger = new ListLedger();
    ledger.before = [{ keyId: "key_ci", tokens: 900, costNano: 0 }];
    const { reservations, take } = leasesOver(ledger);
    await reservations.restore();
    expect(take().maxOutputTokens).toBe(90);
    expect(take("key_other").maxOutputTokens).toBeUndefined();
  });

  test("keeps keys with caps waiting until it can be read", async () => {
    const ledger = new ListLedger();
    ledger.before = new GatewayError("ledger_unavailable");
    const { reservations, take } = leasesOver(ledger);
    await reservations.restore();
    expect(take).toThrow("its usage cannot be recorded");
    ledger.before = [{ keyId: "key_ci", tokens: 900, costNano: 0 }];
    // The refused open asked again; this waits for the same answer.
    await reservations.restore();
    expect(take).toThrow("its usage cannot be recorded");
    await reservations.restore();
    expect(take().maxOutputTokens).toBe(90);
  });
});
