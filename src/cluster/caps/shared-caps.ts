import { GatewayError } from "../../core/kernel/errors.ts";
import type { Ledger } from "../../core/ledger/ledger.ts";
import type { ClusterObserver } from "../../core/ports/cluster-observer.ts";
import { type Ask, decide, reachedOf, type Share, shareOf } from "../../core/quota/decision.ts";
import { costCapIn, type Level } from "../../core/quota/payer.ts";
import { noPrice, thereWasNoRoom } from "../../core/quota/refusal.ts";
import type { SetAside } from "../../core/quota/set-aside.ts";
import type { SharedAccounts } from "../../core/quota/shared-accounts.ts";
import { FaultOnce } from "../link/fault-once.ts";
import type { Names } from "../link/names.ts";
import type { RedisLink } from "../link/redis-link.ts";
import { Counters, STATE_MS } from "./counters.ts";
import { type Grown, Hold, type HoldOwner, SLICE_TOKENS } from "./hold.ts";
import { Money, type Spent } from "./money.ts";
import { Orphans } from "./orphans.ts";
import type { SharedClock } from "./redis-clock.ts";
import { ANSWER } from "./reserve-script.ts";
import { RunAhead } from "./run-ahead.ts";
import { Settlements } from "./settlements.ts";
import { SpendingReports } from "./spending-reports.ts";

/** What a node's part in a cluster's caps is made from. */
export interface SharedCapsParts {
  readonly node: string;
  /** The Redis of reservations. */
  readonly link: RedisLink;
  readonly names: Names;
  readonly clock: SharedClock;
  /** What counters are rebuilt from. */
  readonly ledger: Pick<Ledger, "spentSince" | "available">;
  /** The living nodes. */
  readonly living: () => Promise<readonly string[]>;
  /** Whether a node may be alive. Rejects when that is not known. */
  readonly isAlive: (node: string) => Promise<boolean>;
  /** What is known elsewhere of what a dead node's streams have spent; by default nothing. */
  readonly spentBy?: ((streams: readonly string[]) => Promise<ReadonlyMap<string, Spent>>) | undefined;
  readonly fault: (error: unknown) => void;
  readonly count: ClusterObserver["count"];
  /** How long nodes have to state what they hold before counters are rebuilt, in milliseconds; `STATE_MS` by default. */
  readonly stateMs?: number;
}

/** How often a node reports what its streams have spent, and checks that Redis still has it, in milliseconds. */
const TICK_MS = 1_000;
/** The same while the counters are being rebuilt. */
const EARLY_TICK_MS = 250;
/** How long the start waits for counters, and the end for the last settlements, in milliseconds. */
const PATIENCE_MS = 6_000;

/** Caps that hold for all nodes together: reservations in Redis. See docs/cluster.md, Caps and money. */
export class SharedCaps implements SharedAccounts, HoldOwner, AsyncDisposable {
  readonly #parts: SharedCapsParts;
  readonly #money: Money;
  readonly #counters: Counters;
  readonly #settlements: Settlements;
  readonly #orphans: Orphans;
  readonly #ahead = new RunAhead();
  readonly #faults: FaultOnce;
  /** The streams that run, by name. */
  readonly #holds = new Map<string, Hold>();
  readonly #reports: SpendingReports;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: SharedCapsParts) {
    const { node, link, names, clock, ledger, living, isAlive, stateMs = STATE_MS } = parts;
    this.#parts = parts;
    this.#faults = new FaultOnce(parts.fault);
    this.#money = new Money(node, link, names, clock);
    this.#reports = new SpendingReports(this.#money);
    const restate = () => this.#restate();
    const rebuilt = () => parts.count("counters_rebuilt");
    this.#counters = new Counters({ money: this.#money, node, clock, ledger, living, stateMs, restate, rebuilt });
    this.#settlements = new Settlements(
      this.#money,
      () => clock.now(),
      () => ledger.available,
      () => this.#counters.lost(),
    );
    const gone = (dead: string) => this.gone(dead);
    this.#orphans = new Orphans({ money: this.#money, now: () => clock.now(), isAlive, gone });
  }

  /** How many streams of this node hold something. */
  get holds(): number {
    return this.#holds.size;
  }

  /** How many settlements wait for Redis. */
  get waiting(): number {
    return this.#settlements.size;
  }

  /** How many nodes share each cap. */
  get nodes(): number {
    return this.#orphans.nodes;
  }

  /** In how many accounts streams of this node are ahead of what is set aside for them. */
  get ahead(): number {
    return this.#ahead.size;
  }

  /** Whether streams under caps can be opened. */
  get isReady(): boolean {
    return this.#parts.link.isUp && this.#counters.isReady;
  }

  /** Takes part from now on. Resolves once streams under caps can be opened, or after some seconds without that. */
  async start(): Promise<void> {
    const { now } = this.#parts.clock;
    const until = now() + PATIENCE_MS;
    await this.#round();
    while (!this.isReady && now() < until) {
      await new Promise((resolve) => setTimeout(resolve, EARLY_TICK_MS));
      await this.#round();
    }
    this.#tick();
  }

  open(stream: string, levels: readonly Level[], ask: Ask): SetAside {
    const hold = new Hold(this, stream, levels, ask, this.#money.windows);
    if (!hold.isCapped) return hold;
    const costCap = costCapIn(levels);
    if (costCap && !ask.price) throw noPrice(costCap.payer);
    if (!this.isReady) throw unavailable();
    this.#holds.set(stream, hold);
    hold.awaits(this.#reserve(hold));
    return hold;
  }

  async grow(hold: Hold, tokens: number, nano: number): Promise<Grown> {
    try {
      const answer = await this.#money.grow(hold, tokens, nano);
      const [done, moreTokens = 0, moreNano = 0] = answer;
      if (done !== ANSWER.done) {
        this.#heard(done);
        return { tokens: 0, nano: 0, refusal: unavailable() };
      }
      const isShort = moreTokens < tokens || moreNano < nano;
      const states = isShort ? this.#money.statesIn(answer, 3, hold.levels) : [];
      return { tokens: moreTokens, nano: moreNano, refusal: reachedOf(states, moreNano < nano) };
    } catch {
      return { tokens: 0, nano: 0, refusal: unavailable() };
    }
  }

  mayRunAhead({ accounts }: Hold, before: number, after: number): boolean {
    return this.#ahead.move(accounts, before, after) <= SLICE_TOKENS / this.nodes;
  }

  over({ stream, accounts, tokens, nano }: Hold): void {
    const hold = this.#holds.get(stream);
    this.#holds.delete(stream);
    if (hold) this.#reports.over(hold);
    this.#settlements.add({ stream, accounts, tokens, nano }, hold !== undefined);
  }

  /** Redis is back: what this node holds is stated again, and what waited is sent. */
  returned(): void {
    this.#counters.doubt();
    this.#reports.repeat();
    void this.#round();
  }

  /**
   * A node is dead: its streams are settled as estimates, with what they were known to have spent. May reject, to be called
   * again later.
   */
  async gone(node: string): Promise<number> {
    if (!this.#counters.isReady) await this.#counters.look();
    const { spentBy = async () => new Map(), count } = this.#parts;
    return this.#money.estimateAll(node, spentBy, () => count("hold_settled"));
  }

  /** Sends what is still to be settled. The streams have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const { now } = this.#parts.clock;
    const until = now() + PATIENCE_MS;
    while (this.#settlements.size > 0 && this.#parts.link.isUp && now() < until) {
      const before = this.#settlements.size;
      await this.#settlements.flush();
      if (this.#settlements.size >= before) await this.#counters.look().catch(() => {});
    }
  }

  async #reserve(hold: Hold): Promise<Share> {
    const { stream, levels, wish } = hold;
    try {
      const answer = await this.#money.reserve(hold);
      const [done, output = 0] = answer;
      if (done === ANSWER.done) return shareOf(wish, output);
      this.#heard(done);
      if (done !== ANSWER.refused) throw unavailable();
      decide(this.#money.statesIn(answer, 1, levels), wish, true, this.#parts.clock.wall());
      // Redis and `decide` disagree only where the clock has passed into a new minute meanwhile.
      throw thereWasNoRoom();
    } catch (error) {
      this.#holds.delete(stream);
      if (!(error instanceof GatewayError)) this.#faults.failed(error);
      else if (error.code !== "cluster_unavailable") throw error;
      // It may have been set aside all the same.
      this.#settlements.add({ stream, accounts: hold.accounts, tokens: 0, nano: 0 }, true);
      throw unavailable();
    }
  }

  #heard(answer: number | undefined): void {
    if (answer === ANSWER.lost || answer === ANSWER.unready) this.#counters.lost();
  }

  #tick(): void {
    if (this.#isClosed) return;
    const ms = this.#counters.isReady ? TICK_MS : EARLY_TICK_MS;
    this.#timer = setTimeout(() => void this.#round().then(() => this.#tick()), ms).unref();
  }

  async #round(): Promise<void> {
    if (!this.#parts.link.isUp) return;
    try {
      await this.#counters.look();
      await this.#settlements.flush();
      await this.#reports.send(this.#holds.values());
      await this.#orphans.look();
      this.#faults.works();
    } catch (error) {
      // The link reports that Redis is away, and so does the ledger of its store.
      if (!(error instanceof GatewayError)) this.#faults.failed(error);
    }
  }

  async #restate(): Promise<void> {
    const held = [...this.#holds.values()].filter(({ isHeld }) => isHeld);
    await Promise.all(held.map((hold) => this.#money.restate(hold)));
    this.#settlements.repeat();
    await this.#settlements.flush();
  }
}

const unavailable = (): GatewayError =>
  new GatewayError(
    "cluster_unavailable",
    "there are caps, and the cluster's Redis cannot be asked for room under them",
  );
