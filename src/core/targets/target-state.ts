import { TokenBucket } from "../caller/token-bucket.ts";
import type { TargetLimits } from "../dialect/routing.ts";
import type { CoolDown } from "./may-go-on.ts";

/**
 * Whether a target takes a request: now, now as the one try after a cool-down, once it has cooled down, or within its limits.
 * `isAsked`: it has asked for this wait itself.
 */
export type Readiness =
  | { readonly is: "ready" | "trial" }
  | { readonly is: "cooling"; readonly waitMs: number; readonly isAsked: boolean }
  | { readonly is: "full"; readonly waitMs: number };

/** Failures in a row after which a target cools down. One may be chance. */
export const FAILURES = 3;

/** When a stream of a full target usually ends: nobody knows. */
const FULL_WAIT_MS = 1_000;

const MINUTE_S = 60;

/** One attempt's place on its target. Its holder must call `end`. */
export interface Place {
  /** The answer has begun: the target works. */
  answered(): void;
  /**
   * The attempt failed before its answer began. The target is spared once it has failed `FAILURES` times in a row, or from now
   * on if `atOnce`. An attempt that stays for want of another target may fail more than once: it counts once.
   */
  failed(now: number, coolDown: CoolDown): void;
  /** The attempt is over. A second call does nothing. */
  end(): void;
}

/**
 * The health and load of one target. After some failures in a row it cools down; then a single attempt tries it, and its
 * success opens the target again. Clock readings, in milliseconds, are arguments.
 */
export class TargetState {
  #limits: TargetLimits = {};
  #requests: TokenBucket | undefined;
  #tokens: TokenBucket | undefined;
  #running = 0;
  #failures = 0;
  /** Those of them that are probes', since the last one that was answered. */
  #probeFailures = 0;
  #coolUntil = 0;
  #askedUntil = 0;
  #isCooling = false;
  #trials = 0;

  constructor(limits: TargetLimits, now: number) {
    this.limit(limits, now);
  }

  /** These limits hold from now on. What runs, and what was used in this minute, counts under them. */
  limit(limits: TargetLimits, now: number): void {
    this.#limits = limits;
    this.#requests = ofMinute(limits.requestsPerMinute, this.#requests, now);
    this.#tokens = ofMinute(limits.tokensPerMinute, this.#tokens, now);
  }

  /** Attempts that run on it. */
  get running(): number {
    return this.#running;
  }

  /** Milliseconds until it has cooled down; 0 if it has, or never failed. */
  coolingMs(now: number): number {
    return this.#isCooling ? Math.max(0, this.#coolUntil - now) : 0;
  }

  /** What made it fail may have been mended: the next request tries it. */
  retryNow(): void {
    this.#coolUntil = this.#askedUntil = 0;
  }

  /** Its provider was asked for something that costs nothing, and answered: the next request tries it, unless it asked for a wait. */
  probed(now: number): void {
    if (this.#askedUntil <= now) this.#coolUntil = 0;
    // In a cool-down all count on: a failed trial begins the next one.
    if (!this.#isCooling) this.#failures -= this.#probeFailures;
    this.#probeFailures = 0;
  }

  /** That failed, which counts like a failed attempt. */
  probeFailed(now: number, coolDown: CoolDown): void {
    this.#failures++;
    this.#probeFailures++;
    this.#fail(now, coolDown);
  }

  /** Whether it takes a request with this many prompt tokens now. */
  readiness(now: number, tokens: number): Readiness {
    const waitMs = this.#fullMs(now, tokens);
    if (waitMs > 0) return { is: "full", waitMs };
    if (!this.#isCooling) return { is: "ready" };
    const coolingMs = this.coolingMs(now);
    if (coolingMs > 0 || this.#trials > 0) {
      return { is: "cooling", waitMs: coolingMs, isAsked: this.#askedUntil > now };
    }
    return { is: "trial" };
  }

  /** Takes a place for a request, whether the target is ready or not. */
  take(now: number, tokens: number): Place {
    this.#requests?.take(now);
    this.#tokens?.take(now, this.#fitting(tokens));
    this.#running++;
    let isTrial = this.#isCooling;
    if (isTrial) this.#trials++;
    let isOver = false;
    let hasFailed = false;
    const endTrial = () => {
      if (isTrial) this.#trials--;
      isTrial = false;
    };
    return {
      answered: () => {
        endTrial();
        this.#failures = this.#probeFailures = this.#askedUntil = 0;
        this.#isCooling = false;
      },
      failed: (failedAt, coolDown) => {
        endTrial();
        if (!hasFailed) this.#failures++;
        else if (!coolDown.atOnce) return;
        hasFailed = true;
        this.#fail(failedAt, coolDown);
      },
      end: () => {
        endTrial();
        if (!isOver) this.#running--;
        isOver = true;
      },
    };
  }

  #fail(now: number, { ms, atOnce, isAsked }: CoolDown): void {
    if (!atOnce && this.#failures < FAILURES) return;
    this.#isCooling = true;
    this.#coolUntil = Math.max(this.#coolUntil, now + ms);
    if (isAsked) this.#askedUntil = Math.max(this.#askedUntil, now + ms);
  }

  #fullMs(now: number, tokens: number): number {
    const { concurrentStreams = Number.POSITIVE_INFINITY } = this.#limits;
    if (this.#running >= concurrentStreams) return FULL_WAIT_MS;
    return Math.max(this.#requests?.waitMs(now, 1) ?? 0, this.#tokens?.waitMs(now, this.#fitting(tokens)) ?? 0);
  }

  /** A prompt larger than a minute's tokens takes the whole minute. */
  #fitting(tokens: number): number {
    return Math.min(tokens, this.#limits.tokensPerMinute ?? tokens);
  }
}

/** A minute's bucket of this size, from which as much was taken as from the one before. */
function ofMinute(most: number | undefined, before: TokenBucket | undefined, now: number): TokenBucket | undefined {
  if (most === undefined) return undefined;
  const bucket = before ?? new TokenBucket(most / MINUTE_S, most, now);
  bucket.limit(now, most / MINUTE_S, most);
  return bucket;
}
