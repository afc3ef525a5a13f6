import type { Directives } from "./directives.ts";
import type { Random } from "./random.ts";

/** The pace of an answer, in milliseconds. */
export interface Pace {
  /** From the request to the headers and the first event. */
  readonly openMs: number;
  /** Before the next token. */
  nextMs(): number;
}

/** The pace of a fast hosted model, with its jitter. */
const REALISTIC = { openMs: 130, firstTokenMs: 120, tokenMs: 20, jitterMs: 20 };
const SLOW = { openMs: 500, firstTokenMs: 2_000, tokenMs: 400, jitterMs: 0 };
const INSTANT = { openMs: 0, firstTokenMs: 0, tokenMs: 0, jitterMs: 0 };

/** The pace of one answer. Directives take precedence over the server's style. */
export function paceOf(style: "realistic" | "instant", directives: Directives, random: Random): Pace {
  const base = directives.slow ? SLOW : style === "instant" ? INSTANT : REALISTIC;
  const figures = directives.flow ? { ...base, tokenMs: directives.flow.tokenMs, jitterMs: 0 } : base;
  let first = true;
  return {
    openMs: figures.openMs,
    nextMs() {
      if (!first) return figures.tokenMs + Math.round(random() * figures.jitterMs);
      first = false;
      return figures.firstTokenMs;
    },
  };
}
