import { asObject, type JsonValue } from "../core/kernel/json.ts";
import type { TokenCounts } from "../core/usage/usage.ts";
import { asCount, largestCount, tokenCounts } from "./reading/token-counts.ts";

/** Names of the tokens read from a cache: OpenAI, Moonshot, xAI; DeepSeek; proxies for Anthropic's models. */
const CACHE_READ = ["cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens", "cache_read_tokens"];
/** Names of the tokens written to a cache: OpenAI; Alibaba and proxies for Anthropic's models. */
const CACHE_WRITE = ["cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens"];
const REASONING = ["reasoning_tokens", "thinking_tokens"];

/** The two figures of a bill, and what is known of their parts. */
interface Parts {
  readonly input: number | undefined;
  readonly output: number | undefined;
  /** Read from and written to the cache. */
  readonly cached: number;
  readonly reasoning: number;
}

/**
 * Reads a `usage` object of Chat Completions or Responses, as OpenAI or a compatible server writes it. Undefined if the value
 * is not an object or has no counts.
 */
export function readTokenUsage(value: JsonValue | undefined): TokenCounts | undefined {
  const usage = asObject(value);
  if (!usage) return undefined;
  const inputs = [usage, usage.prompt_tokens_details, usage.input_tokens_details];
  const outputs = [usage, usage.completion_tokens_details, usage.output_tokens_details];
  const read = figure(inputs, CACHE_READ);
  const write = largestCount(figure(inputs, CACHE_WRITE), largestCount(...inputs.map(cacheCreation)));
  const reasoning = figure(outputs, REASONING);
  const { input, output } = addUp(
    {
      input: largestCount(usage.prompt_tokens, usage.input_tokens),
      output: largestCount(usage.completion_tokens, usage.output_tokens),
      cached: (read ?? 0) + (write ?? 0),
      reasoning: reasoning ?? 0,
    },
    asCount(usage.total_tokens),
  );
  return tokenCounts({
    inputTokens: input,
    outputTokens: output,
    cacheReadTokens: read,
    cacheWriteTokens: write,
    reasoningTokens: reasoning,
  });
}

/** The sum of Anthropic's `cache_creation`, which lists cache writes by lifetime; undefined without it. */
export function cacheCreation(holder: JsonValue | undefined): number | undefined {
  const caches = asObject(asObject(holder)?.cache_creation);
  return caches && Object.values(caches).reduce<number>((sum, count) => sum + (asCount(count) ?? 0), 0);
}

/** A figure under any of its names, in any of the objects it may be in. A loop, because some servers report in every chunk. */
function figure(holders: readonly (JsonValue | undefined)[], names: readonly string[]): number | undefined {
  let largest: number | undefined;
  for (const value of holders) {
    const holder = asObject(value);
    if (holder) for (const name of names) largest = largestCount(largest, holder[name]);
  }
  return largest;
}

/**
 * Input including its cached part and output including its reasoning, as they are billed. Servers disagree about whether the
 * parts are included. A part larger than its figure was left out of it, and so was a part that equals what the total exceeds
 * both figures by. If no part explains that excess, it is output (Gemini's thoughts). A total below the sum is ignored.
 */
function addUp({ input, output, cached, reasoning }: Parts, total: number | undefined): Partial<Parts> {
  const spare = total === undefined ? 0 : total - (input ?? 0) - (output ?? 0);
  if (spare > 0) {
    if (spare === reasoning) return { input, output: (output ?? 0) + spare };
    if (spare === cached) return { input: (input ?? 0) + spare, output };
    // A missing figure is the total minus the other one. A total alone cannot be split.
    if (input) return { input, output: (output ?? 0) + spare };
    return output ? { input: spare, output } : { input, output };
  }
  if (spare === 0 && total !== undefined) return { input, output };
  return {
    input: input !== undefined && cached > input ? input + cached : input,
    output: output !== undefined && reasoning > output ? output + reasoning : output,
  };
}
