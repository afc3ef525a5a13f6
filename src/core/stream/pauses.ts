/** How often and for how long a stream's upstream was paused. Times in milliseconds. */
export class Pauses {
  readonly #now: () => number;
  #pausedAt: number | undefined;
  #blockedMs = 0;
  #count = 0;

  /** `now`: a monotonic clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get isPaused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** How long the pause has lasted without any reader making progress; 0 if there is none. */
  get ms(): number {
    return this.#pausedAt === undefined ? 0 : this.#now() - this.#pausedAt;
  }

  /** All pauses until now. */
  get sum(): { readonly pauses: number; readonly ms: number } {
    return { pauses: this.#count, ms: this.#blockedMs + this.ms };
  }

  begin(): void {
    this.#pausedAt = this.#now();
    this.#count++;
  }

  end(): void {
    this.#blockedMs += this.ms;
    this.#pausedAt = undefined;
  }

  /** A reader made progress: `ms` restarts at 0. */
  restart(): void {
    this.#blockedMs += this.ms;
    if (this.#pausedAt !== undefined) this.#pausedAt = this.#now();
  }

  /** The process stood still for `ms`, which does not count. */
  forgive(ms: number): void {
    if (this.#pausedAt !== undefined) this.#pausedAt += ms;
  }
}
