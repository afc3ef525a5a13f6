import type { Caps } from "../../core/caller/caller.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { AccountState } from "../../core/quota/decision.ts";
import type { Level } from "../../core/quota/payer.ts";
import { indexAt, Period } from "../../core/quota/period.ts";
import type { QuotaStatus } from "../../core/quota/quota.ts";
import { toNano } from "../../core/usage/cost.ts";
import type { Names } from "../link/names.ts";
import type { RedisLink, Reply } from "../link/redis-link.ts";
import type { Script } from "../link/script.ts";
import type { Hold, Windows } from "./hold.ts";
import { MoneyKeys } from "./money-keys.ts";
import { ANSWER, GROW, RESERVE } from "./reserve-script.ts";
import { RESTATE, SETTLE } from "./settle-script.ts";

/** What a stream has spent in the end. */
export interface Closing {
  readonly stream: string;
  readonly accounts: readonly string[];
  readonly tokens: number;
  readonly nano: number;
}

/** What is known elsewhere of what a dead node's stream has spent; `isFinal`: it had ended. `nano`: undefined without a price. */
export interface Spent {
  readonly tokens: number;
  readonly nano: number | undefined;
  readonly isFinal: boolean;
}

/** For how long a stream that is over is remembered, in milliseconds: a late or repeated settlement corrects it. */
const CLOSED_MS = 120_000;
/** The same for one whose node was taken for dead: it may only be frozen. */
const ESTIMATED_MS = 3_600_000;

/** The scripts about streams' money, with their arguments. All reject as `RedisLink.run` does. */
export class Money {
  readonly keys: MoneyKeys;
  readonly link: RedisLink;
  readonly #node: string;
  readonly #clock: Clock;
  /** The epoch that this node takes for the current one. */
  epoch = "";

  constructor(node: string, link: RedisLink, names: Names, clock: Clock) {
    this.keys = new MoneyKeys(names);
    this.link = link;
    this.#node = node;
    this.#clock = clock;
  }

  get windows(): Windows {
    const wallMs = this.#clock.wall();
    return [indexAt("minute", wallMs), indexAt("day", wallMs), indexAt("month", wallMs)];
  }

  reserve({ stream, levels, wish }: Hold): Promise<readonly number[]> {
    const { promptTokens, asked, least, tariff } = wish;
    const figures = [promptTokens, asked, least, ...tariff.rates];
    return this.#run(RESERVE, stream, levels, this.windows, [...figures, ...levels.flatMap(capFigures)]);
  }

  grow({ stream, levels }: Hold, tokens: number, nano: number): Promise<readonly number[]> {
    const figures = [tokens, nano, 0, 0, 0, 0, 0];
    return this.#run(GROW, stream, levels, this.windows, [...figures, ...levels.flatMap(capFigures)]);
  }

  /** It runs on and has spent this much. */
  spent({ stream, levels, tokens, nano }: Hold): Promise<readonly number[]> {
    return this.#run(SETTLE, stream, levels, this.windows, ["spent", tokens, nano, 0]);
  }

  close({ stream, accounts, tokens, nano }: Closing): Promise<readonly number[]> {
    return this.#settle(stream, accounts, this.#node, ["closed", tokens, nano, CLOSED_MS]);
  }

  /**
   * Settles a dead node's streams with what they are known to have spent; `spentBy` gives what is known elsewhere. One that cannot
   * be settled does not stop the others. Calls `settled` for each that this call has settled; resolves with how many there were.
   */
  async estimateAll(
    node: string,
    spentBy: (streams: readonly string[]) => Promise<ReadonlyMap<string, Spent>>,
    settled: () => void,
  ): Promise<number> {
    const streams = (await this.link.command(["SMEMBERS", this.keys.holds(node)])) as string[];
    const spent = await spentBy(streams);
    const failures: unknown[] = [];
    for (const stream of streams) {
      await this.#estimate(node, stream, spent.get(stream)).then(
        (isSettled) => isSettled && settled(),
        (error: unknown) => failures.push(error),
      );
    }
    if (failures.length > 0) throw failures[0];
    return streams.length;
  }

  /** Resolves with whether it held something until now. */
  async #estimate(node: string, stream: string, spent: Spent | undefined): Promise<boolean> {
    const accounts = await this.link.command(["HGET", this.keys.row(stream), "a"]);
    if (typeof accounts !== "string") {
      await this.link.command(["SREM", this.keys.holds(node), stream]);
      return false;
    }
    const keys = [...this.keys.ofStream(node, stream, []), ...accounts.split("\n")];
    const { tokens = -1, nano = spent ? 0 : -1, isFinal = false } = spent ?? {};
    const figures = [isFinal ? "closed" : "estimated", tokens, nano, ESTIMATED_MS].map(String);
    const args = [this.epoch, stream, ...this.windows.map(String), ...figures];
    const [answer] = numbers(await this.link.run(SETTLE, keys, args));
    return answer === ANSWER.done;
  }

  /** States again what a running stream holds. */
  restate({ stream, levels, windows, aside, tokens, nano, wish }: Hold): Promise<readonly number[]> {
    const least = [wish.promptTokens, wish.tariff.cost(wish.promptTokens, 0)];
    return this.#run(RESTATE, stream, levels, windows, [aside.tokens, aside.nano, tokens, nano, ...least]);
  }

  /** The accounts' states in what a script has answered, from `from` on. */
  statesIn(answer: readonly number[], from: number, levels: readonly Level[]): readonly AccountState[] {
    const wallMs = this.#clock.wall();
    return levels.map((level, index) => stateOf(level, answer.slice(from + index * FIGURES), wallMs));
  }

  #run(
    script: Script,
    stream: string,
    levels: readonly Level[],
    windows: Windows,
    figures: readonly (string | number)[],
  ): Promise<readonly number[]> {
    const accounts = levels.map(({ account }) => account);
    return this.#ask(script, this.#node, stream, accounts, windows, figures);
  }

  #settle(stream: string, accounts: readonly string[], node: string, figures: readonly (string | number)[]) {
    return this.#ask(SETTLE, node, stream, accounts, this.windows, figures);
  }

  async #ask(
    script: Script,
    node: string,
    stream: string,
    accounts: readonly string[],
    windows: Windows,
    figures: readonly (string | number)[],
  ): Promise<readonly number[]> {
    const names = accounts.map((account) => this.keys.account(account));
    const args = [this.epoch, stream, ...windows.map(String), ...figures.map(String)];
    return numbers(await this.link.run(script, this.keys.ofStream(node, stream, names), args));
  }
}

const numbers = (reply: Reply): readonly number[] => (Array.isArray(reply) ? reply : [reply]).map(Number);

/** How many figures a script answers about an account. */
const FIGURES = 13;

/** A cap as the scripts take it. */
const figure = (cap: number | undefined, unit: (cap: number) => number): number =>
  cap === undefined ? -1 : Math.min(Number.MAX_SAFE_INTEGER, Math.floor(unit(cap)));

function capFigures({ caps }: Level): readonly number[] {
  const { concurrentStreams, requestsPerMinute, tokensPerMinute, tokensPerDay, tokensPerMonth } = caps;
  const counts = [concurrentStreams, requestsPerMinute, tokensPerMinute, tokensPerDay, tokensPerMonth];
  return [
    ...counts.map((cap) => figure(cap, Number)),
    ...[caps.costPerDay, caps.costPerMonth].map((cap) => figure(cap, toNano)),
  ];
}

function stateOf({ payer, caps }: Level, figures: readonly number[], wallMs: number): AccountState {
  const [running = 0, heldTokens = 0, heldNano = 0, , , , t1 = 0, t2 = 0, t3 = 0, , n2 = 0, n3 = 0, q1 = 0] = figures;
  const minute = new Period("minute", wallMs);
  const day = new Period("day", wallMs);
  const month = new Period("month", wallMs);
  const status = (
    cap: keyof Caps,
    period: Period,
    used: number,
    held: number,
    unit: (cap: number) => number = Number,
  ): QuotaStatus => ({
    cap,
    period,
    limit: caps[cap] === undefined ? Number.POSITIVE_INFINITY : unit(caps[cap]),
    used,
    held,
  });
  return {
    payer,
    running,
    concurrentStreams: caps.concurrentStreams ?? Number.POSITIVE_INFINITY,
    tokens: [
      status("tokensPerMinute", minute, t1, heldTokens),
      status("tokensPerDay", day, t2, heldTokens),
      status("tokensPerMonth", month, t3, heldTokens),
    ],
    cost: [status("costPerDay", day, n2, heldNano, toNano), status("costPerMonth", month, n3, heldNano, toNano)],
    requests: [status("requestsPerMinute", minute, q1, 0)],
  };
}
