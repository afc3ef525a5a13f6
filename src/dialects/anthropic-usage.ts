import { asObject, type JsonObject } from "../core/kernel/json.ts";
import { mergeCounts, type TokenCounts } from "../core/usage/usage.ts";
import { besideTheTop } from "./iterations.ts";
import { largestCount, laterCount, tokenCounts } from "./reading/token-counts.ts";
import { cacheCreation } from "./token-usage.ts";

/** Anthropic's figures. Their input excludes cache reads and writes. */
interface Figures {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead: number | undefined;
  readonly cacheWrite: number | undefined;
  readonly reasoning: number | undefined;
}

const NONE: Figures = {
  input: undefined,
  output: undefined,
  cacheRead: undefined,
  cacheWrite: undefined,
  reasoning: undefined,
};

/** Reads the `usage` objects of one Messages answer. Reports omit unchanged figures, so the latest of each is kept. */
export class AnthropicUsage {
  #figures = NONE;
  #beside: TokenCounts = {};

  /** Output reported so far. */
  get outputTokens(): number {
    return (this.#figures.output ?? 0) + (this.#beside.outputTokens ?? 0);
  }

  /** The counts as of this report. `isBegun`: the answer has only begun, so the report's output is a placeholder. */
  read(usage: JsonObject, isBegun: boolean): TokenCounts | undefined {
    const { output } = this.#figures;
    const reported = latest(this.#figures, usage);
    this.#figures = isBegun ? { ...reported, output } : reported;
    const beside = besideTheTop(usage, countsOf(reported) ?? {}, (entry) => countsOf(latest(NONE, entry)) ?? {});
    if (beside) this.#beside = mergeCounts(this.#beside, beside);
    return add(countsOf(this.#figures), this.#beside);
  }
}

const latest = (before: Figures, usage: JsonObject): Figures => ({
  input: laterCount(before.input, usage.input_tokens),
  output: laterCount(before.output, usage.output_tokens),
  cacheRead: laterCount(before.cacheRead, usage.cache_read_input_tokens),
  cacheWrite: laterCount(before.cacheWrite, largestCount(usage.cache_creation_input_tokens, cacheCreation(usage))),
  reasoning: laterCount(before.reasoning, asObject(usage.output_tokens_details)?.thinking_tokens),
});

function countsOf({ input, output, cacheRead, cacheWrite, reasoning }: Figures): TokenCounts | undefined {
  return tokenCounts({
    inputTokens: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    outputTokens: output,
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    reasoningTokens: reasoning,
  });
}

/** Adds figure by figure. A zero does not create a figure. */
function add(counts: TokenCounts | undefined, beside: TokenCounts): TokenCounts | undefined {
  const sum: Record<string, number | undefined> = { ...counts };
  for (const [name, more] of Object.entries(beside)) if (more) sum[name] = (sum[name] ?? 0) + more;
  return Object.keys(sum).length > 0 ? sum : undefined;
}
