import type { Ledger } from "../../core/ledger/ledger.ts";
import { spentIn } from "../../core/quota/payer.ts";
import { Period } from "../../core/quota/period.ts";
import { EPOCH, REBUILD, REBUILT, STATED } from "./epoch-script.ts";
import type { Money } from "./money.ts";
import type { SharedClock } from "./redis-clock.ts";

/**
 * How old an epoch must be before its counters are rebuilt, in milliseconds. Every node looks once a second, so by then each
 * living one has stated what it holds.
 */
export const STATE_MS = 2_500;

/** What the counters are rebuilt from. */
export interface CountersParts {
  readonly money: Money;
  readonly node: string;
  readonly clock: SharedClock;
  readonly ledger: Pick<Ledger, "spentSince">;
  /** See `STATE_MS`. */
  readonly stateMs: number;
  /** The living nodes. */
  readonly living: () => Promise<readonly string[]>;
  /** States again what this node holds and has settled lately, in a new epoch. */
  readonly restate: () => Promise<void>;
  /** This node has rebuilt them. */
  readonly rebuilt: () => void;
}

/** Whether the counters in Redis can be relied on: they are rebuilt from the ledger and the nodes once Redis has lost them. */
export class Counters {
  readonly #parts: CountersParts;
  #isReady = false;
  #mustRestate = true;
  #looking: Promise<void> | undefined;

  constructor(parts: CountersParts) {
    this.#parts = parts;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Redis may have lost something: what this node holds is stated again at the next look. */
  doubt(): void {
    this.#mustRestate = true;
  }

  /** The counters are gone. */
  lost(): void {
    this.#isReady = false;
    this.#mustRestate = true;
  }

  /** Checks whether they are there, and does this node's part in rebuilding them. Rejects as `RedisLink.run` does. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { money, node, clock, restate, stateMs } = this.#parts;
    const { keys, link } = money;
    const asked = [keys.epoch, keys.rebuilt, keys.began];
    const reply = await link.run(EPOCH, asked, [crypto.randomUUID()]);
    const [epoch, ageMs, isRebuilt, wallMs] = reply as [string, number, number, number];
    clock.heard(wallMs);
    if (epoch !== money.epoch || this.#mustRestate) {
      if (epoch !== money.epoch) this.#isReady = false;
      this.#mustRestate = false;
      money.epoch = epoch;
      try {
        await restate();
        if ((await link.run(STATED, [keys.epoch, keys.stated], [epoch, node])) !== 1) this.#mustRestate = true;
      } catch (error) {
        this.#mustRestate = true;
        throw error;
      }
    }
    if (this.#mustRestate) return;
    if (isRebuilt !== 1 && ageMs >= stateMs) this.#isReady = await this.#rebuild();
    else this.#isReady = isRebuilt === 1;
  }

  async #rebuild(): Promise<boolean> {
    const { money, clock, ledger, living, rebuilt } = this.#parts;
    const { keys, link, epoch } = money;
    const stated = new Set((await link.command(["SMEMBERS", keys.stated])) as string[]);
    if ((await living()).some((node) => !stated.has(node))) return false;
    const counted = (await link.command(["SMEMBERS", keys.counted])) as string[];
    const wallMs = clock.wall();
    const { windows } = money;
    const figures = new Map<string, number[]>();
    for (const [at, length] of (["day", "month"] as const).entries()) {
      const spent = spentIn(await ledger.spentSince(new Period(length, wallMs).startsAt, counted));
      for (const [name, { tokens, costNano }] of spent) {
        const account = keys.account(name);
        const found = figures.get(account) ?? [0, 0, 0, 0];
        found[2 * at] = tokens;
        found[2 * at + 1] = costNano;
        figures.set(account, found);
      }
    }
    const scriptKeys = [keys.epoch, keys.rebuilt, keys.began, keys.began, keys.counted, ...figures.keys()];
    const args = [epoch, counted.length, ...windows, ...[...figures.values()].flat()].map(String);
    const answer = await link.run(REBUILD, scriptKeys, args);
    if (answer === REBUILT.now) rebuilt();
    return answer === REBUILT.now || answer === REBUILT.before;
  }
}
