import type { Caps } from "../caller/caller.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { costOf, Tariff } from "../usage/cost.ts";
import { estimateTokens } from "../usage/usage.ts";
import { Account, openIn } from "./account.ts";
import { CapReservation } from "./cap-reservation.ts";
import type { Ask } from "./decision.ts";
import { KeyReservation, type NextAttempt } from "./key-reservation.ts";
import { LedgerRow } from "./ledger-row.ts";
import { budgetIn, costCapIn, type Level, levelsOf, spentIn } from "./payer.ts";
import { Period } from "./period.ts";
import { noCost, noPrice, unrecorded } from "./refusal.ts";
import type { AttemptRequest, Reservation, ReservationRequest, Reservations } from "./reservation.ts";
import type { SharedAccounts } from "./shared-accounts.ts";

/** What reservations are made from: accounts, ledger and clock. */
export interface KeyReservationsParts {
  readonly clock: Clock;
  /** Without a ledger nothing is recorded, and caps restart with the process. */
  readonly ledger: Ledger | undefined;
  /** The caps of everything together, as they are now. */
  readonly all?: (() => Caps) | undefined;
  /** Where a cluster counts; without it, this process does. */
  readonly shared?: SharedAccounts | undefined;
}

/** When clients refused for the ledger's sake should retry. */
const RETRY_MS = 2_000;

/** An attempt whose row is opened. */
interface Opening {
  readonly request: ReservationRequest;
  readonly attempt: number;
  readonly levels: readonly Level[];
  readonly capReservation: CapReservation;
  /** When the stream was opened. */
  readonly openedAt: number;
}

const NONE: Caps = {};

/** Reserves for all streams under the caps of keys, teams and the gateway, and opens their ledger rows. */
export class KeyReservations implements Reservations {
  readonly #parts: KeyReservationsParts;
  /** By name. There is one without caps, too: it may be given caps later. */
  readonly #accounts = new Map<string, Account>();
  #restoring: Promise<void> | undefined;
  #restored = false;

  constructor(parts: KeyReservationsParts) {
    this.#parts = parts;
  }

  /** Restores earlier usage from the ledger. Until that succeeds, callers with daily or monthly caps cannot open streams. */
  restore(): Promise<void> {
    this.#restoring ??= this.#restore().finally(() => {
      this.#restoring = undefined;
    });
    return this.#restoring;
  }

  reserve(request: ReservationRequest): Reservation {
    const { clock } = this.#parts;
    const { caller, target, body } = request;
    const { route, model } = target;
    const levels = levelsOf(caller, this.#parts.all?.() ?? NONE);
    this.#check(levels, request);

    const wallMs = clock.wall();
    const promptTokens = estimateTokens(request.inputCharacters);
    const outputTokens = request.isUncounted ? 0 : route.dialect.outputLimit(body);
    const ask = { promptTokens, outputTokens, price: model?.price, cut: request.cut };
    const capReservation = this.#capReservation(request.stream, levels, ask, wallMs);
    try {
      return this.#open({ request, attempt: 1, levels, capReservation, openedAt: wallMs }).reservation;
    } catch (error) {
      capReservation.release();
      throw error;
    }
  }

  #capReservation(stream: string, levels: readonly Level[], ask: Ask, wallMs: number): CapReservation {
    const { shared } = this.#parts;
    if (!shared) {
      return openIn(
        levels.map((level) => ({ account: this.#account(level.account), level })),
        ask,
        wallMs,
      );
    }
    const tariff = ask.price && costCapIn(levels) ? new Tariff(ask.price) : undefined;
    return new CapReservation(shared.open(stream, levels, ask), ask.promptTokens, tariff);
  }

  /** Opens the ledger row of one attempt. */
  #open({ request, attempt, levels, capReservation, openedAt }: Opening): NextAttempt {
    const { clock, ledger } = this.#parts;
    const { stream: name, caller, target, face, session } = request;
    const { route, model } = target;
    const { grant } = caller;
    const price = model?.price;
    const promptTokens = estimateTokens(request.inputCharacters);
    const stream = attempt === 1 ? name : `${name}.${attempt}`;
    const row = {
      stream,
      attempt,
      caller: caller.name,
      keyId: grant?.keyId,
      team: grant?.team?.name,
      face,
      session,
      route: route.name,
      model: model?.alias,
      upstreamModel: request.upstreamModel,
      openedAt: clock.wall(),
      counted: {
        tokens: promptTokens,
        costNano: price && costOf({ inputTokens: promptTokens, outputTokens: 0 }, price),
      },
    };
    // Under a budget the row must not be lost.
    const isNeeded = budgetIn(levels) !== undefined;
    const ledgerRow = new LedgerRow(ledger, row, isNeeded, attempt === 1 ? capReservation.decided : undefined);
    // The caps may have been kept and the row refused.
    ledgerRow.opening?.catch(() => capReservation.release());
    const onAbort = grant?.onAbort ?? "cancel";
    // Lives as long as the stream, so it must not capture the request's body.
    const { body: _, target: __, ...lasting } = request;
    const next = (again: AttemptRequest): NextAttempt => {
      const costCap = costCapIn(levels);
      if (costCap && !again.target.model?.price) throw noPrice(costCap.payer);
      const attempted = { ...lasting, ...again };
      return this.#open({ request: attempted, attempt: again.attempt, levels, capReservation, openedAt });
    };
    const reservation = new KeyReservation({
      stream,
      capReservation,
      row: ledgerRow,
      onAbort,
      price,
      openedAt,
      clock,
      next,
    });
    return { reservation, promptTokens, price };
  }

  /** Throws for caps that cannot be enforced. */
  #check(levels: readonly Level[], { isUncounted, target }: ReservationRequest): void {
    const costCap = costCapIn(levels);
    if (costCap && isUncounted) throw noCost(costCap.payer);
    if (costCap && !target.model?.price) throw noPrice(costCap.payer);
    const budget = budgetIn(levels);
    const { ledger, shared } = this.#parts;
    if (!budget || !ledger || (ledger.available && (this.#restored || shared))) return;
    if (ledger.available) void this.restore();
    throw unrecorded(budget.payer, RETRY_MS);
  }

  #account(name: string): Account {
    const known = this.#accounts.get(name);
    if (known) return known;
    const account = new Account(this.#parts.clock.wall());
    this.#accounts.set(name, account);
    return account;
  }

  async #restore(): Promise<void> {
    const { ledger, clock } = this.#parts;
    try {
      for (const length of ["day", "month"] as const) {
        const { startsAt } = new Period(length, clock.wall());
        for (const [account, { tokens, costNano }] of spentIn((await ledger?.spentSince(startsAt)) ?? [])) {
          this.#account(account).restore(length, tokens, costNano);
        }
      }
      this.#restored = true;
    } catch {
      // The ledger reports its own failures. The next open of such a key tries again.
    }
  }
}
