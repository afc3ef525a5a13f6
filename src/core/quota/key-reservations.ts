import type { Caller } from "../caller/caller.ts";
import type { Clock } from "../kernel/clock.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { costOf, Tariff } from "../usage/cost.ts";
import { estimateTokens } from "../usage/usage.ts";
import { Account, openIn } from "./account.ts";
import { CapReservation } from "./cap-reservation.ts";
import type { Ask } from "./decision.ts";
import { KeyReservation, type NextAttempt } from "./key-reservation.ts";
import { LedgerRow } from "./ledger-row.ts";
import { hasBudget, isCostCapped, keyAccount, type Level } from "./payer.ts";
import { Period } from "./period.ts";
import { noPrice } from "./refusal.ts";
import type { AttemptRequest, Reservation, ReservationRequest, Reservations } from "./reservation.ts";
import type { SharedAccounts } from "./shared-accounts.ts";

/** What reservations are made from: accounts, ledger and clock. */
export interface KeyReservationsParts {
  readonly clock: Clock;
  /** Without a ledger nothing is recorded, and caps restart with the process. */
  readonly ledger: Ledger | undefined;
  /** Where a cluster counts; without it, this process does. */
  readonly shared?: SharedAccounts | undefined;
}

/** When clients refused for the ledger's sake should retry. */
const RETRY_MS = 2_000;

/** An attempt whose row is opened. */
interface Opening {
  readonly request: ReservationRequest;
  readonly attempt: number;
  readonly capReservation: CapReservation | undefined;
  /** Whether the row must not be lost. */
  readonly isNeeded: boolean;
  /** When the stream was opened. */
  readonly openedAt: number;
}

/** Reserves for the streams of all keys: caps and ledger rows. */
export class KeyReservations implements Reservations {
  readonly #parts: KeyReservationsParts;
  /** By key. Keys without caps have one too: they may be given caps later. */
  readonly #accounts = new Map<string, Account>();
  #restoring: Promise<void> | undefined;
  #restored = false;

  constructor(parts: KeyReservationsParts) {
    this.#parts = parts;
  }

  /** Restores earlier usage from the ledger. Until that succeeds, keys with daily or monthly caps cannot open streams. */
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
    const levels = levelsOf(caller);
    const isNeeded = hasBudget(levels);
    if (isNeeded) this.#mustBeRecorded();

    const wallMs = clock.wall();
    const promptTokens = estimateTokens(request.inputCharacters);
    const outputTokens = request.isUncounted ? 0 : route.dialect.outputLimit(body);
    const ask = { promptTokens, outputTokens, price: model?.price, cut: request.cut };
    const capReservation = this.#capReservation(request.stream, levels, ask, wallMs);
    try {
      return this.#open({ request, attempt: 1, capReservation, isNeeded, openedAt: wallMs }).reservation;
    } catch (error) {
      capReservation?.release();
      throw error;
    }
  }

  #capReservation(stream: string, levels: readonly Level[], ask: Ask, wallMs: number): CapReservation | undefined {
    const { shared } = this.#parts;
    if (levels.length === 0) return undefined;
    if (!shared) {
      return openIn(
        levels.map((level) => ({ account: this.#account(level.account), level })),
        ask,
        wallMs,
      );
    }
    const tariff = ask.price && isCostCapped(levels) ? new Tariff(ask.price) : undefined;
    return new CapReservation(shared.open(stream, levels, ask), ask.promptTokens, tariff);
  }

  /** Opens the ledger row of one attempt. */
  #open({ request, attempt, capReservation, isNeeded, openedAt }: Opening): NextAttempt {
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
    const ledgerRow = new LedgerRow(ledger, row, isNeeded, attempt === 1 ? capReservation?.decided : undefined);
    // The caps may have been kept and the row refused.
    ledgerRow.opening?.catch(() => capReservation?.release());
    const onAbort = grant?.onAbort ?? "cancel";
    // Lives as long as the stream, so it must not capture the request's body.
    const { body: _, target: __, ...lasting } = request;
    const next = (again: AttemptRequest): NextAttempt => {
      if (capReservation?.isCostCapped && !again.target.model?.price) {
        throw noPrice();
      }
      const attempted = { ...lasting, ...again };
      return this.#open({ request: attempted, attempt: again.attempt, capReservation, isNeeded, openedAt });
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

  #mustBeRecorded(): void {
    const { ledger } = this.#parts;
    if (!ledger || (ledger.available && (this.#restored || this.#parts.shared))) return;
    if (ledger.available) void this.restore();
    const message = "the key has caps, and its usage cannot be recorded";
    throw new GatewayError("ledger_unavailable", message, { retryAfterMs: RETRY_MS });
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
        for (const { keyId, tokens, costNano } of (await ledger?.spentSince(startsAt)) ?? []) {
          this.#account(keyAccount(keyId)).restore(length, tokens, costNano);
        }
      }
      this.#restored = true;
    } catch {
      // The ledger reports its own failures. The next open of such a key tries again.
    }
  }
}

/** The accounts that a caller's streams count in. */
function levelsOf({ name, grant }: Caller): readonly Level[] {
  if (!grant) return [];
  return [{ account: keyAccount(grant.keyId), payer: { kind: "key", name, caller: name }, caps: grant.caps }];
}
