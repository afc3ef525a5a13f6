import { GatewayError } from "../kernel/errors.ts";
import { Tally } from "../kernel/tally.ts";

/** In bytes. */
export interface InboundBudgetLimits {
  /** For all holders together. */
  readonly maxBytes: number;
  /** For each holder. */
  readonly maxBytesEach: number;
}

/** Bodies are held until the response begins, which takes seconds: clients told to return sooner would give up too soon. */
const RETRY_AFTER_MS = 5_000;

/**
 * The memory of what clients send: unfinished frames and bodies, and request bodies until the response begins. Another one
 * counts the files that are sent to them. Only counts; each reservation must be released by its holder.
 */
export class InboundBudget {
  readonly #limits: InboundBudgetLimits;
  readonly #what: string;
  readonly #setting: string | undefined;
  readonly #used = new Tally<string>();
  #refused = 0;

  /** `what` is held, for the words of refusals; `setting` gives it more room. */
  constructor(limits: InboundBudgetLimits, what = "requests", setting?: string) {
    this.#limits = limits;
    this.#what = what;
    this.#setting = setting;
  }

  get usedBytes(): number {
    return this.#used.total;
  }

  get maxBytes(): number {
    return this.#limits.maxBytes;
  }

  /** How many reservations were refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /** Reserves bytes for a holder: a caller or an address. Throws `overloaded`, reserving nothing. */
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
    const message = `unfinished ${this.#what} of ${whose} take ${limit} bytes already`;
    const setting = this.#setting;
    return new GatewayError("overloaded", message, {
      retryAfterMs: RETRY_AFTER_MS,
      details: { bound, limit },
      ...(setting !== undefined && { setting }),
    });
  }
}

/** Bytes reserved until `release`. Calling that again does nothing. */
export interface InboundReservation {
  readonly bytes: number;
  /** Grows the reservation to `bytes` in total. Throws `overloaded`, keeping what it had. */
  growTo(bytes: number): void;
  release(): void;
}
