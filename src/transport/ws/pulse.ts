/** When to ping, and how long to wait, in milliseconds. */
export interface PulseLimits {
  readonly pingMs: number;
  readonly pongMs: number;
}

/** Decides when to ping a peer and when to give up on it. Times are arguments, in milliseconds. */
export class Pulse {
  readonly #limits: PulseLimits;
  #heardAt: number;
  /** When the unanswered ping was sent. */
  #pingedAt: number | undefined;
  /** A pong to one of our pings may still arrive, even after other frames. */
  #awaitsPong = false;

  constructor(limits: PulseLimits, now: number) {
    this.#limits = limits;
    this.#heardAt = now;
  }

  /** When the peer last gave a sign of life. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Something arrived, or the event loop was blocked, so that silence does not count. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  /** A pong arrived. Returns whether it was solicited. */
  pong(): boolean {
    const isAnswer = this.#awaitsPong;
    this.#awaitsPong = false;
    return isAnswer;
  }

  /** What to do now. Call it several times per `pongMs`. */
  beat(now: number): "ping" | "give up" | undefined {
    const { pingMs, pongMs } = this.#limits;
    if (this.#pingedAt !== undefined) return now - this.#pingedAt >= pongMs ? "give up" : undefined;
    if (now - this.#heardAt < pingMs) return undefined;
    this.#pingedAt = now;
    this.#awaitsPong = true;
    return "ping";
  }
}
