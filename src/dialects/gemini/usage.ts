import type { JsonObject } from "../../core/kernel/json.ts";
import type { TokenCounts } from "../../core/usage/usage.ts";
import { asCount, tokenCounts } from "../reading/token-counts.ts";

/**
 * Reads a `usageMetadata` object. Input is the prompt, which includes its cached part, and the results of tools at Google;
 * output is the candidates and the thoughts, which Google counts beside them
 * (https://ai.google.dev/api/generate-content#UsageMetadata). Figures of zero are left out there: what the total has beyond
 * the others is output.
 */
export function readGeminiUsage(usage: JsonObject): TokenCounts | undefined {
  const prompt = asCount(usage.promptTokenCount);
  const tools = asCount(usage.toolUsePromptTokenCount);
  const candidates = asCount(usage.candidatesTokenCount);
  const thoughts = asCount(usage.thoughtsTokenCount);
  const total = asCount(usage.totalTokenCount);
  const inputTokens = sum(prompt, tools);
  const rest = total === undefined || inputTokens === undefined ? undefined : Math.max(0, total - inputTokens);
  const said = sum(candidates, thoughts);
  return tokenCounts({
    inputTokens,
    outputTokens: said === undefined ? rest : Math.max(said, rest ?? 0),
    cacheReadTokens: asCount(usage.cachedContentTokenCount),
    reasoningTokens: thoughts,
  });
}

const sum = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);
