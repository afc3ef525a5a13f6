/** How long a cap counts before it starts over. Days and months are those of UTC. */
export type PeriodLength = "minute" | "day" | "month";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The number of the minute, day or month: each is one more than the one before it. */
export function indexAt(length: PeriodLength, wallMs: number): number {
  if (length === "minute") return Math.floor(wallMs / MINUTE_MS);
  if (length === "day") return Math.floor(wallMs / DAY_MS);
  const date = new Date(wallMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function startOf(length: PeriodLength, index: number): number {
  if (length === "minute") return index * MINUTE_MS;
  return length === "day" ? index * DAY_MS : Date.UTC(Math.floor(index / 12), index % 12);
}

/** The current minute, day or month. Wall-clock milliseconds are arguments, and may jump. */
export class Period {
  readonly length: PeriodLength;
  #index = 0;
  #startsAt = 0;
  #endsAt = 0;

  constructor(length: PeriodLength, wallMs: number) {
    this.length = length;
    this.#set(indexAt(length, wallMs));
  }

  get startsAt(): number {
    return this.#startsAt;
  }

  get endsAt(): number {
    return this.#endsAt;
  }

  /**
   * Returns whether a new period has begun. A clock that is set back begins none: the period lasts until its end comes again.
   * If the clock had been far ahead, the period moves back with it, and its usage remains until the next one begins.
   */
  advance(wallMs: number): boolean {
    if (wallMs >= this.#startsAt && wallMs < this.#endsAt) return false;
    const index = indexAt(this.length, wallMs);
    const isNew = index > this.#index;
    if (isNew || index < this.#index - 1) this.#set(index);
    return isNew;
  }

  #set(index: number): void {
    this.#index = index;
    this.#startsAt = startOf(this.length, index);
    this.#endsAt = startOf(this.length, index + 1);
  }
}
