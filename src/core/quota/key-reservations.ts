import type { Caps, Grant } from "../caller/caller.ts";
import type { Clock } from "../kernel/clock.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { costOf } from "../usage/cost.ts";
import { estimateTokens } from "../usage/usage.ts";
import { Account } from "./account.ts";
import type { CapReservation } from "./cap-reservation.ts";
import { KeyReservation, type NextAttempt } from "./key-reservation.ts";
import { Period } from "./period.ts";
import type { AttemptRequest, Reservation, ReservationRequest, Reservations } from "./reservation.ts";

/** What reservations are made from: accounts, ledger and clock. */
export interface KeyReservationsParts {
  readonly clock: Clock;
  /** Without a ledger nothing is recorded, and caps restart with the process. */
  readonly ledger: Ledger | undefined;
}

/** Caps over longer periods, which only hold while usage is recorded. */
const BUDGETS = ["tokensPerDay", "tokensPerMonth", "costPerDay", "costPerMonth"] as const satisfies (keyof Caps)[];

/** When clients refused for the ledger's sake should retry. */
const RETRY_MS = 2_000;

/** An attempt whose row is opened. */
interface Opening {
  readonly request: ReservationRequest;
  readonly attempt: number;
  readonly capReservation: CapReservation | undefined;
  /** When the stream was opened. */
  readonly openedAt: number;
}

const hasBudget = (caps: Caps): boolean => BUDGETS.some((cap) => caps[cap] !== undefined);

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
    const { grant } = caller;
    const isNeeded = grant !== undefined && hasBudget(grant.caps);
    if (isNeeded) this.#mustBeRecorded();

    const wallMs = clock.wall();
    const price = model?.price;
    const promptTokens = estimateTokens(request.inputCharacters);
    const outputTokens = request.isUncounted ? 0 : route.dialect.outputLimit(body);
    const ask = { promptTokens, outputTokens, price, cut: request.cut };
    const capReservation = grant && this.#account(grant).open(ask, caller.name, grant.caps, wallMs);
    try {
      return this.#open({ request, attempt: 1, capReservation, openedAt: wallMs }).reservation;
    } catch (error) {
      capReservation?.release();
      throw error;
    }
  }

  /** Opens the ledger row of one attempt. */
  #open({ request, attempt, capReservation, openedAt }: Opening): NextAttempt {
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
    const ready = ledger?.open(row, grant !== undefined && hasBudget(grant.caps));
    const onAbort = grant?.onAbort ?? "cancel";
    // Lives as long as the stream, so it must not capture the request's body.
    const { body: _, target: __, ...lasting } = request;
    const next = (again: AttemptRequest): NextAttempt => {
      if (capReservation?.isCostCapped && !again.target.model?.price) {
        throw new GatewayError("forbidden", "the key has a cap on cost, and the model has no price");
      }
      return this.#open({ request: { ...lasting, ...again }, attempt: again.attempt, capReservation, openedAt });
    };
    const reservation = new KeyReservation({
      stream,
      capReservation,
      ready,
      onAbort,
      price,
      ledger,
      openedAt,
      clock,
      next,
    });
    return { reservation, promptTokens, price };
  }

  #mustBeRecorded(): void {
    const { ledger } = this.#parts;
    if (!ledger || (ledger.available && this.#restored)) return;
    if (ledger.available) void this.restore();
    const message = "the key has caps, and its usage cannot be recorded";
    throw new GatewayError("ledger_unavailable", message, { retryAfterMs: RETRY_MS });
  }

  #account({ keyId }: Pick<Grant, "keyId">): Account {
    const known = this.#accounts.get(keyId);
    if (known) return known;
    const account = new Account(this.#parts.clock.wall());
    this.#accounts.set(keyId, account);
    return account;
  }

  async #restore(): Promise<void> {
    const { ledger, clock } = this.#parts;
    try {
      for (const length of ["day", "month"] as const) {
        const { startsAt } = new Period(length, clock.wall());
        for (const { keyId, tokens, costNano } of (await ledger?.spentSince(startsAt)) ?? []) {
          this.#account({ keyId }).restore(length, tokens, costNano);
        }
      }
      this.#restored = true;
    } catch {
      // The ledger reports its own failures. The next open of such a key tries again.
    }
  }
}
