import type { Closing, Money } from "./money.ts";
import { ANSWER } from "./reserve-script.ts";

/** For how long settlements are remembered, to be repeated if Redis loses them, in milliseconds: longer than the ledger takes to write. */
const REMEMBERED_MS = 60_000;
/** How many are sent at once after an outage. */
const AT_ONCE = 500;
/** How many wait for a Redis that is away, stream by stream: more are added up, account by account. */
export const MOST_WAITING = 10_000;

/** What streams have spent in the end, until Redis has counted it. Nothing is lost while Redis is away. */
export class Settlements {
  readonly #money: Money;
  readonly #now: () => number;
  readonly #isRecorded: () => boolean;
  readonly #lost: () => void;
  readonly #waiting = new Map<string, Closing>();
  /** The sums that are still to be sent, by their accounts. */
  readonly #sums = new Map<string, Closing>();
  readonly #sending = new Map<string, Promise<void>>();
  /** In the order in which they were settled. */
  readonly #settled = new Map<string, { readonly closing: Closing; readonly at: number }>();

  /** `isRecorded`: whether the ledger is written. `lost` is called when Redis turns out to have lost its data. */
  constructor(money: Money, now: () => number, isRecorded: () => boolean, lost: () => void) {
    this.#isRecorded = isRecorded;
    this.#money = money;
    this.#now = now;
    this.#lost = lost;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** `isHeld`: Redis may hold something for the stream, under its name. */
  add(closing: Closing, isHeld: boolean): void {
    const isOneMore = isHeld || this.#money.link.isUp || this.#waiting.size < MOST_WAITING;
    const next = isOneMore ? closing : this.#summed(closing);
    this.#waiting.set(next.stream, next);
    if (this.#sending.size < AT_ONCE) void this.#send(next);
  }

  /** Settles once more what was settled lately. */
  repeat(): void {
    for (const { closing } of this.#settled.values()) this.#waiting.set(closing.stream, closing);
    this.#settled.clear();
  }

  /** Sends what waits. Resolves once it was tried. */
  async flush(): Promise<void> {
    this.#forget();
    this.#sums.clear();
    while (this.#waiting.size > 0 && this.#money.link.isUp) {
      const before = this.#waiting.size;
      const some = [...this.#waiting.values()].slice(0, AT_ONCE);
      await Promise.all(some.map((closing) => this.#send(closing)));
      if (this.#waiting.size >= before) return;
    }
  }

  /** The sum of its accounts, this settlement included, as if it were that of one stream. */
  #summed({ accounts, tokens, nano }: Closing): Closing {
    const name = accounts.join("\n");
    const { stream, ...before } = this.#sums.get(name) ?? { stream: `sum-${crypto.randomUUID()}`, tokens: 0, nano: 0 };
    const sum = { stream, accounts, tokens: before.tokens + tokens, nano: before.nano + nano };
    this.#sums.set(name, sum);
    return sum;
  }

  #send(closing: Closing): Promise<void> {
    const { stream } = closing;
    const running = this.#sending.get(stream);
    if (running !== undefined) return running;
    const sending = this.#settle(closing).finally(() => this.#sending.delete(stream));
    this.#sending.set(stream, sending);
    return sending;
  }

  async #settle(closing: Closing): Promise<void> {
    try {
      const [answer] = await this.#money.close(closing);
      if (answer === ANSWER.lost) {
        this.#lost();
        return;
      }
    } catch {
      // It waits for Redis; the link reports that Redis is away.
      return;
    }
    if (this.#waiting.get(closing.stream) === closing) this.#waiting.delete(closing.stream);
    this.#settled.set(closing.stream, { closing, at: this.#now() });
  }

  #forget(): void {
    if (!this.#isRecorded()) return;
    const oldest = this.#now() - REMEMBERED_MS;
    for (const [stream, { at }] of this.#settled) {
      if (at >= oldest) return;
      this.#settled.delete(stream);
    }
  }
}
