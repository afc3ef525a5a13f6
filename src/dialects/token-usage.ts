import { asObject, type JsonValue } from "../core/kernel/json.ts";
import type { TokenCounts } from "../core/usage/usage.ts";
import { asCount, largestCount, tokenCounts } from "./token-counts.ts";

/** How OpenAI, Moonshot, DeepSeek, xAI and proxies for Anthropic's models spell the tokens read from a cache. */
const CACHE_READ = ["cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens", "cache_read_tokens"];
/** And those written to it: OpenAI, then proxies for Anthropic's models and Alibaba. */
const CACHE_WRITE = ["cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens"];
const REASONING = ["reasoning_tokens", "thinking_tokens"];

/** The two figures a bill is made of, and what is known of their parts. */
interface Parts {
  readonly input: number | undefined;
  readonly output: number | undefined;
  /** Read from and written to the cache. */
  readonly cached: number;
  readonly reasoning: number;
}

/**
 * The counts in a `usage` object of Chat Completions or of Responses, in the spelling of OpenAI or of a compatible
 * server. Undefined when the value is no object or has no count.
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

/** Anthropic's breakdown of what was written to its caches, by how long they live. */
export function cacheCreation(holder: JsonValue | undefined): number | undefined {
  const caches = asObject(asObject(holder)?.cache_creation);
  return caches && Object.values(caches).reduce<number>((sum, count) => sum + (asCount(count) ?? 0), 0);
}

/** A figure under any of its names in any of the objects it may be in. A loop, because some servers report on every chunk. */
function figure(holders: readonly (JsonValue | undefined)[], names: readonly string[]): number | undefined {
  let largest: number | undefined;
  for (const value of holders) {
    const holder = asObject(value);
    if (holder) for (const name of names) largest = largestCount(largest, holder[name]);
  }
  return largest;
}

/**
 * Input with its cached part and output with its reasoning, as they are billed. Servers disagree about whether a part is
 * counted in; a part larger than its whole was left out of it, and so was what the total has beyond both figures. Where
 * the total has more and no part explains it, it is output (Gemini's thoughts). A total smaller than its parts is ignored.
 */
function addUp({ input, output, cached, reasoning }: Parts, total: number | undefined): Partial<Parts> {
  const spare = total === undefined ? 0 : total - (input ?? 0) - (output ?? 0);
  if (spare > 0) {
    if (spare === reasoning) return { input, output: (output ?? 0) + spare };
    if (spare === cached) return { input: (input ?? 0) + spare, output };
    // A missing figure is what the total has beyond the other. Nothing splits a total that stands alone.
    if (input) return { input, output: (output ?? 0) + spare };
    return output ? { input: spare, output } : { input, output };
  }
  if (spare === 0 && total !== undefined) return { input, output };
  return {
    input: input !== undefined && cached > input ? input + cached : input,
    output: output !== undefined && reasoning > output ? output + reasoning : output,
  };
}
