import { GatewayError } from "../kernel/errors.ts";
import { Tally } from "../kernel/tally.ts";

export interface InboundBudgetLimits {
  /** What all holders may have together, in bytes. */
  readonly maxBytes: number;
  /** What one of them may have. */
  readonly maxBytesEach: number;
}

/** Bodies are held until their answers begin, which takes some seconds: clients told to come back sooner give up too soon. */
const RETRY_AFTER_MS = 5_000;

/**
 * What clients have announced or sent and nobody has taken on yet, in bytes: unfinished frames and bodies. Counting only.
 * Whoever reserves gives back.
 */
export class InboundBudget {
  readonly #limits: InboundBudgetLimits;
  readonly #used = new Tally<string>();
  #refused = 0;

  constructor(limits: InboundBudgetLimits) {
    this.#limits = limits;
  }

  get usedBytes(): number {
    return this.#used.total;
  }

  get maxBytes(): number {
    return this.#limits.maxBytes;
  }

  /** Reservations refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /** Sets bytes aside for a holder: a caller, or an address. Throws `overloaded`, and has then set nothing aside. */
  reserve(holder: string, bytes: number): InboundReservation {
    this.#take(holder, bytes);
    let held = bytes;
    return {
      get bytes() {
        return held;
      },
      growTo: (total) => {
        if (total <= held) return;
        this.#take(holder, total - held);
        held = total;
      },
      release: () => {
        this.#used.add(holder, -held);
        held = 0;
      },
    };
  }

  #take(holder: string, bytes: number): void {
    const { maxBytes, maxBytesEach } = this.#limits;
    if (this.#used.of(holder) + bytes > maxBytesEach) throw this.#refusal("caller", maxBytesEach);
    if (this.#used.total + bytes > maxBytes) throw this.#refusal("gateway", maxBytes);
    this.#used.add(holder, bytes);
  }

  #refusal(bound: "caller" | "gateway", limit: number): GatewayError {
    this.#refused++;
    const whose = bound === "caller" ? "this caller" : "all callers";
    const message = `unfinished requests of ${whose} take ${limit} bytes already`;
    return new GatewayError("overloaded", message, { retryAfterMs: RETRY_AFTER_MS, details: { bound, limit } });
  }
}

/** Bytes set aside until `release`, which may be called again and then does nothing. */
export interface InboundReservation {
  readonly bytes: number;
  /** Sets aside what is missing to so many. Throws `overloaded`, and keeps then what it had. */
  growTo(bytes: number): void;
  release(): void;
}
