import { GatewayError } from "../../core/kernel/errors.ts";
import { type Ask, type Share, type Wish, wishOf } from "../../core/quota/decision.ts";
import { costCapIn, isCapped, type Level } from "../../core/quota/payer.ts";
import type { SetAside } from "../../core/quota/set-aside.ts";

/** How much more a stream asks for at once, in tokens of output. No cap is passed by more than this, but for events on their way. */
export const SLICE_TOKENS = 4_096;

/** What a stream was granted beside what it had. */
export interface Grown {
  readonly tokens: number;
  readonly nano: number;
  /** Why that is less than it asked for. */
  readonly refusal: GatewayError | undefined;
}

/** What a hold needs of whoever keeps the node's holds. */
export interface HoldOwner {
  /** Asks for more. Never rejects. */
  grow(hold: Hold, tokens: number, nano: number): Promise<Grown>;
  /** It is now `after` tokens ahead of what is set aside for it, and was `before`. Returns whether it may run on. */
  mayRunAhead(hold: Hold, before: number, after: number): boolean;
  /** What it has spent is final. */
  over(hold: Hold): void;
}

/** The numbers of a minute, a day and a month. */
export type Windows = readonly [minute: number, day: number, month: number];

/** What one stream of this node has set aside in Redis. */
export class Hold implements SetAside {
  readonly stream: string;
  readonly levels: readonly Level[];
  /** The levels' accounts. */
  readonly accounts: readonly string[];
  readonly wish: Wish;
  readonly isMetered: boolean;
  readonly isCostCapped: boolean;
  /** Whether any cap limits it; a stream without one is only counted. */
  readonly isCapped: boolean;
  /** When it was opened. */
  readonly windows: Windows;
  /** Whether the request limits the answer. Its provider keeps to that, so it rarely needs more than it was granted. */
  readonly #isLimited: boolean;
  readonly #owner: HoldOwner;
  readonly #cut: (error: GatewayError) => void;
  #decided: Promise<void> | undefined;
  #share: Share | undefined;
  #state: "asked" | "open" | "over" = "open";
  #tokens = 0;
  #nano = 0;
  /** What is set aside. */
  #aside = { tokens: 0, nano: 0 };
  /** Once this is spent, more is asked for. */
  #threshold = { tokens: Number.POSITIVE_INFINITY, nano: Number.POSITIVE_INFINITY };
  #isAsking = false;
  /** What was spent when more was last asked for. */
  #askedAt = 0;
  /** How far it is ahead of what is set aside, until what it asks is answered. */
  #ahead = 0;
  /** Why it was given less than it asked for. */
  #refusal: GatewayError | undefined;

  constructor(owner: HoldOwner, stream: string, levels: readonly Level[], ask: Ask, windows: Windows) {
    this.#owner = owner;
    this.stream = stream;
    this.levels = levels;
    this.accounts = levels.map(({ account }) => account);
    this.wish = wishOf(ask);
    this.windows = windows;
    this.isCapped = isCapped(levels);
    this.isCostCapped = costCapIn(levels) !== undefined;
    this.isMetered =
      this.isCostCapped ||
      levels.some(({ caps }) => (caps.tokensPerMinute ?? caps.tokensPerDay ?? caps.tokensPerMonth) !== undefined);
    this.#isLimited = ask.outputTokens !== undefined;
    this.#cut = ask.cut;
  }

  get maxOutputTokens(): number | undefined {
    return this.#share?.maxOutputTokens;
  }

  get decided(): Promise<void> | undefined {
    return this.#decided;
  }

  get tokens(): number {
    return this.#tokens;
  }

  get nano(): number {
    return this.#nano;
  }

  get aside(): { readonly tokens: number; readonly nano: number } {
    return this.#aside;
  }

  /** Whether Redis is to hold something for it. */
  get isHeld(): boolean {
    return this.isCapped && this.#state === "open";
  }

  /** It may run once this resolves, with what is set aside for it. */
  awaits(share: Promise<Share>): void {
    this.#state = "asked";
    this.#decided = share.then((granted) => {
      this.#share = granted;
      this.#aside = { tokens: granted.tokens, nano: granted.nano };
      this.#setThreshold(1 / 8);
      if (this.#state === "over") this.#owner.over(this);
      else this.#state = "open";
    });
    // Nobody waits for it once the stream has ended.
    this.#decided.catch(() => {});
  }

  spend(tokens: number, nano: number | undefined): GatewayError | undefined {
    this.#tokens = tokens;
    if (nano !== undefined) this.#nano = nano;
    return tokens > this.#threshold.tokens || this.#nano > this.#threshold.nano ? this.#ask() : undefined;
  }

  settle(tokens: number, nano: number | undefined): void {
    this.#tokens = tokens;
    if (nano !== undefined) this.#nano = nano;
  }

  release(): void {
    const was = this.#state;
    this.#state = "over";
    if (was === "open") this.#owner.over(this);
  }

  /** Asks for more in time. Returns why the stream must be cut: there was no more, or the answer is late. */
  #ask(): GatewayError | undefined {
    if (this.#state !== "open" || !this.isMetered) return undefined;
    if (this.#refusal && this.#isPassed) return this.#refusal;
    if (!this.#isAsking) void this.#grow();
    const ahead = Math.max(0, this.#tokens - Math.max(this.#aside.tokens, this.#askedAt));
    return this.#runAhead(ahead) ? undefined : late();
  }

  /** Returns whether it may run on. */
  #runAhead(tokens: number): boolean {
    if (tokens === 0 && this.#ahead === 0) return true;
    const before = this.#ahead;
    this.#ahead = tokens;
    return this.#owner.mayRunAhead(this, before, tokens);
  }

  async #grow(): Promise<void> {
    this.#isAsking = true;
    this.#askedAt = this.#tokens;
    // An event may have shown that the prompt was longer than it seemed.
    const tokens = Math.max(0, this.#tokens - this.#aside.tokens) + SLICE_TOKENS;
    const slice = this.wish.tariff.cost(0, SLICE_TOKENS);
    const nano = this.isCostCapped ? Math.max(0, this.#nano - this.#aside.nano) + slice : 0;
    const grown = await this.#owner.grow(this, tokens, nano);
    this.#isAsking = false;
    this.#runAhead(0);
    this.#aside = { tokens: this.#aside.tokens + grown.tokens, nano: this.#aside.nano + grown.nano };
    this.#refusal = grown.refusal;
    this.#setThreshold(grown.refusal ? 1 / 4 : 1);
    if (this.#refusal && this.#state === "open" && this.#isPassed) this.#cut(this.#refusal);
  }

  /** Whether it has spent more than is set aside: an answer that uses all of that may still end by itself. */
  get #isPassed(): boolean {
    const { tokens, nano } = this.#aside;
    return this.#tokens > tokens || (this.isCostCapped && this.#nano > nano);
  }

  /**
   * More is asked for once less than this part of what is left now remains, or half a slice if that is less; of an answer with a
   * limit once it has passed what is set aside.
   */
  #setThreshold(part: number): void {
    const { tokens, nano } = this.#aside;
    const early = this.#isLimited ? 0 : part;
    const earlyTokens = Math.min(SLICE_TOKENS / 2, Math.max(0, Math.floor((tokens - this.#tokens) * early)));
    const earlyNano = Math.min(
      this.wish.tariff.cost(0, earlyTokens),
      Math.max(0, Math.floor((nano - this.#nano) * early)),
    );
    this.#threshold = {
      tokens: tokens - earlyTokens,
      nano: this.isCostCapped ? nano - earlyNano : Number.POSITIVE_INFINITY,
    };
  }
}

const late = (): GatewayError =>
  new GatewayError("cluster_unavailable", "the cluster's Redis did not say in time whether the caps have room");
