export interface PulseLimits {
  readonly pingMs: number;
  readonly pongMs: number;
}

/** Whether a peer still lives, and when to ask it. Time is an argument, in milliseconds. */
export class Pulse {
  readonly #limits: PulseLimits;
  #heardAt: number;
  /** When the ping was sent that nothing answered yet. */
  #pingedAt: number | undefined;
  /** A pong of a ping of ours may still come, also behind other things. */
  #awaitsPong = false;

  constructor(limits: PulseLimits, now: number) {
    this.#limits = limits;
    this.#heardAt = now;
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  /** Something came, or our own process stood still and nobody's silence counts. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  /** A pong came. Returns whether we asked for it. */
  pong(): boolean {
    const isAnswer = this.#awaitsPong;
    this.#awaitsPong = false;
    return isAnswer;
  }

  /** What to do about this peer now. Called several times within `pongMs`. */
  beat(now: number): "ping" | "give up" | undefined {
    const { pingMs, pongMs } = this.#limits;
    if (this.#pingedAt !== undefined) return now - this.#pingedAt >= pongMs ? "give up" : undefined;
    if (now - this.#heardAt < pingMs) return undefined;
    this.#pingedAt = now;
    this.#awaitsPong = true;
    return "ping";
  }
}
